"""Kanji that stand for other kanji or for numbers: the table of old forms, and numbers in kanji digits."""

from __future__ import annotations

_PAIRS = (
    "髙高 﨑崎 嵜崎 碕崎 邉辺 邊辺 齋斎 齊斉 澤沢 濱浜 濵浜 廣広 國国 瀨瀬 瀧滝 眞真 德徳 惠恵 櫻桜 栁柳 𠮷吉 𣘺橋 曻昇 彌弥 榮栄 圓円 "
    "藏蔵 條条 實実 壽寿 學学 會会 驛駅 鐵鉄 豐豊 寶宝 黑黒 靑青 淸清 靜静 淺浅 關関 鹽塩 當当 兒児 將将 莊荘 峯峰 嶽岳 嶌島 嶋島 槇槙 "
    "萬万 與与 餘余 總総 緖緒 增増 曾曽 禮礼 團団 燈灯 龜亀 攝摂 稻稲 穗穂 繩縄 蠶蚕 鷄鶏 麥麦 龍竜 冨富 舘館 籠篭 檜桧 薗園 埜野 杦杉 "
    "枩松 步歩 每毎 戶戸 橫横 敎教 亞亜 壯壮 晉晋 晝昼 來来 倂併 假仮 傳伝 價価 勳勲 卷巻 參参 單単 嚴厳 壘塁 奧奥 寬寛 專専 對対 廳庁 "
    "廰庁 應応 懷懐 戲戯 拔抜 搖揺 收収 敍叙 效効 晚晩 曉暁 曆暦 檢検 權権 歸帰 氣気 滿満 濕湿 灣湾 爲為 獨独 疊畳 盡尽 祕秘 祿禄 禪禅 "
    "秌秋 穰穣 竝並 粹粋 縣県 聲声 聰聡 肅粛 臺台 舊旧 藝芸 藥薬 號号 螢蛍 衞衛 裝装 覺覚 覽覧 觀観 譽誉 讓譲 豫予 貳弐 賴頼 轉転 辨弁 "
    "遙遥 遞逓 郞郎 鄕郷 醫医 釋釈 錢銭 鎭鎮 鑛鉱 陷陥 隨随 險険 隱隠 雙双 顯顕 飜翻 騷騒 驗験 髓髄 鷗鴎 點点 齡齢 瑤瑶 凛凜 堯尭 巖巌"
)

COMMON_FORMS: dict[int, str] = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}
"""Old and variant forms of kanji met in names and addresses -> the form most keyboards give.

The Joyo table's old forms (Cabinet notice of 2010, kanji in brackets) as far as names use them, and the forms outside JIS X 0208
that registers are known for (髙 﨑 邉 栁 𠮷 濵). One form each, so 齋 and 斎 meet while 斎 and 斉, two surnames, stay apart;
嶋, 冨, 龍 meet 島, 富, 竜: people mix them when they copy a name.
"""

_DIGITS = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "壱": 1, "弐": 2, "参": 3}
_UNITS = {"十": 10, "百": 100, "千": 1000}


def number(text: str) -> str:
    """``text``, all kanji digits, as ASCII digits: ``二十三`` and ``二三`` are both ``23``, ``一〇`` is ``10``."""
    if not any(c in _UNITS for c in text):
        return "".join(str(_DIGITS[c]) for c in text)
    total, run = 0, ""
    for c in text:
        if c in _UNITS:
            total, run = total + int(run or "1") * _UNITS[c], ""
        else:
            run += str(_DIGITS[c])
    return str(total + int(run or "0"))

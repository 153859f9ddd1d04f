"""Words of office behind Japanese surnames: 佐藤主査, 田中リーダー."""

from __future__ import annotations

import re
from typing import Final

from detectors.lexicon_ja import KANJI

TITLE: Final = re.compile(
    rf"[{KANJI}]{{0,2}}(?:長|員|役|任|師|官|補佐|代理|主査|主幹|主事|参事|理事|幹事|監事|領事|判事|検事|技士|弁護士|参与|顧問|"
    rf"秘書|書記|先輩|後輩|夫妻|次席|首席|統括)"
)
OF_PLACES: Final = re.compile(r"^(?:市|町|村|区|郡|駅|支|工場|県|都|府|道|州|国|営業所|署|院|校|園|館|寺)")
KANA_NEXT: Final = re.compile("リーダー|チーフ|マネージャー|マネジャー|ディレクター|ドクター|コーチ")
LAST: Final = frozenset("長員役任師官佐理査幹事士与問書輩妻席括")  # characters that such a word ends with
COMMON: Final = frozenset(  # behind any surname; behind one that is a word too, no other title counts
    [
        "部長",
        "課長",
        "係長",
        "班長",
        "室長",
        "店長",
        "所長",
        "社長",
        "会長",
        "院長",
        "校長",
        "次長",
        "組長",
        "職長",
        "主任",
        "主査",
        "主幹",
        "主事",
        "参事",
        "参与",
        "顧問",
        "技師",
        "専務",
        "常務",
        "監査役",
        "取締役",
        "補佐",
        "代理",
        "秘書",
        "書記",
        "先輩",
        "後輩",
        "弁護士",
        "工場長",
        "支配人",
        "委員長",
        "理事",
        "理事長",
        "監事",
        "幹事",
        "夫妻",
    ]
)

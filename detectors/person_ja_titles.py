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

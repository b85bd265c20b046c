"""Which still-life stands for a category of goods, works or services.

Product pictures are neutral drawings (`static/img/goods.svg`); the longest prefix of the catalogue code decides.
"""

from functools import lru_cache
from typing import Final

ANYTHING: Final = "box"

SYMBOLS: Final[dict[str, str]] = {
    # works, services and goods in general
    "A": "box", "B": "property", "C": "service",
    # information technology
    "A0201": "desktop", "A02010104": "server", "A02010105": "desktop", "A02010108": "laptop", "A02010109": "tablet",
    "A020102": "switch", "A02010201": "router", "A020103": "guard", "A020105": "storage", "A02010508": "usb-drive",
    "A020106": "server", "A020107": "usb-drive",
    # office machines
    "A0202": "mfp", "A02020100": "copier", "A02020200": "projector", "A02020300": "projector", "A02020400": "mfp", "A020205": "camera",
    "A02020600": "camera", "A02020700": "touch-panel", "A02020800": "touch-panel",
    "A020210": "printer", "A02021001": "copier", "A02021002": "copier", "A02021003": "printer", "A02021004": "mfp",
    "A02021006": "receipt-printer",
    "A020211": "keyboard", "A02021104": "monitor", "A02021109": "keyboard", "A02021110": "keyboard", "A02021112": "calculator",
    "A02021118": "scanner", "A02021120": "doc-camera", "A020212": "stationery", "A020213": "shredder", "A020214": "calculator",
    # vehicles, electrical and domestic appliances
    "A0203": "car", "A0204": "cabinet", "A0205": "repair", "A0206": "socket", "A02061504": "ups", "A02061510": "battery",
    "A02061511": "battery",
    "A020617": "socket", "A020618": "water-dispenser", "A02061801": "fridge", "A02061804": "aircon", "A02061802": "aircon",
    "A02061810": "washer",
    "A02061818": "water-dispenser", "A02061819": "heater", "A020619": "lamp",
    # communication, broadcasting
    "A0208": "router", "A020807": "phone", "A02080703": "mobile", "A020808": "conference", "A0209": "tv", "A020911": "cctv",
    "A020912": "conference",
    # instruments, special equipment
    "A0210": "instrument", "A0211": "instrument", "A0212": "calculator", "A0231": "medical", "A0232": "medical", "A0234": "safety",
    "A0236": "cleaning", "A0237": "safety", "A02323000": "safety", "A0245": "teaching", "A0246": "shoes",
    # books
    "A04": "book", "A0402": "magazine", "A0404": "filebox",
    # furniture, office supplies
    "A05": "furniture", "A050102": "desk", "A05010202": "meeting-table", "A050103": "chair", "A050104": "sofa", "A050105": "cabinet",
    "A05010504": "safe", "A050106": "furniture", "A050107": "furniture", "A0502": "tea", "A0503": "cloth", "A05030304": "shoes",
    "A0504": "stationery",
    "A050401": "paper", "A05040106": "notebook", "A05040103": "notebook", "A050402": "toner", "A05040203": "ink", "A050403": "ink",
    "A05040401": "stationery", "A05040402": "pen", "A05040403": "teaching", "A050405": "tissue", "A05040502": "cleaning",
    "A05040503": "cleaning",
    "A05040599": "cleaning", "A05049900": "filebox",
    # living things, materials
    "A06": "plant", "A0701": "box", "A0702": "medical", "A0703": "vegetable", "A0705": "water-bottle", "A0706": "vegetable",
    "A070603": "tea",
    "A0707": "fuel", "A0708": "cleaning", "A0709": "box", "A070901": "tyre", "A0710": "paper", "A08": "software",
    # services
    "C02": "teaching", "C0504": "guard", "C06": "magazine", "C07": "plant", "C1303": "plant", "C15": "car", "C16": "cloud",
    "C1601": "software",
    "C1607": "server", "C17": "router", "C18": "guard", "C1904": "instrument", "C21": "property", "C22": "meeting",
    "C2309": "print-service",
    "C23111": "car", "C2312": "repair", "C23120302": "fuel", "C2316": "cleaning", "C2317": "camera", "C2320": "filebox",
}


@lru_cache(maxsize=8192)
def symbol_of(code: str) -> str:
    """The still-life of a catalogue code (or the code of any ancestor); unknown codes get a box."""
    for length in range(len(code), 0, -1):
        if (symbol := SYMBOLS.get(code[:length])) is not None:
            return symbol
    return ANYTHING

"""Characters of many scripts, as a network that should refuse them sees them: from Matplotlib's DejaVu Sans.

Latin, Greek, Cyrillic, Armenian, Hebrew, Arabic, N'Ko, Georgian, syllables of Cree and Inuktitut, Tifinagh,
Lisu, arrows, mathematics and pictographs. A character that a person could take for a handwritten digit is
left out.
"""

import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tenfold.judging.fonts import open_font
from tenfold.reading.pictures import SIDE, fit

Images = NDArray[np.uint8]

RANGES = (
    (0x21, 0x7F), (0xA1, 0x2B0), (0x370, 0x530), (0x531, 0x590), (0x5D0, 0x5EB), (0x621, 0x64B),
    (0x671, 0x6D6), (0x7CA, 0x7EB), (0xE81, 0xEDC), (0x10A0, 0x1100), (0x1401, 0x1677), (0x2190, 0x2300),
    (0x2600, 0x2700), (0x2C60, 0x2C80), (0x2D00, 0x2D26), (0x2D30, 0x2D68), (0xA4D0, 0xA500),
    (0xA640, 0xA697), (0x10300, 0x10324),
)  # fmt: skip
"""Code points from, and up to but without."""

ALIKE = frozenset(
    # Latin, signs
    "0123456789OoQDBSsZzGgqbIliıjJƖƗ|/\\()!¡¦'`,.-_~^\"·¸¨°º¹²³´¯\u00adµßþðđ"
    "ƼƽƵƶƧƨƩƻȜȝƷǮǯƺʒʓɜɞȢȣȤȥƄƅƃɃɓɋɊʠɡɢɣɥɿʮʯɭɩɪɨɘɤʐʑʂɬȴɀɉǀƍ"
    # Greek, Coptic, Cyrillic
    "ΟοΌόσςΖζΒβΙιϨϩϬϭϱθϑϛϚϞϧϥϤϪϫ"
    "ЗзЅѕОоІіЇїЈјЧчбЬьЪъЫыҔҕЂђӠӡҶҷҸҹӋӌӴӵҘҙѺѻѼѾѿӀԌԍԆԇԐԑԛԶӨөвВЭэӬӭꙄꙅꙆꙇꙀꙁꙂꙃꙨꙩꙊꙋ"
    # Armenian, Hebrew
    "ՕօՁձԶզԳգՑցՉՈՅյՀհՇշՐրՎվՏԿկՃճԼլջԾ՛՚՝ודרךזןיסםןעצל"
    # Arabic, N'Ko, Lao
    "اأإآٱلرزڑړڒژورىيیئهةۀۃەہھوؤۇۆۈۉۊۋۏٮ߃ߋߊߗߡߞߟߢ໐໑໒໓໔໕໖໗໘໙ອຣຮໆຣ"
    # Georgian
    "ვგპეჳზჰსძბხნႷႣႡႨႯჃႽგჇჁႠკჲ"
    # Syllables
    "ᑫᑲᒣᔭᔦᓭᐦᐟᐠᐨᑵᑳᑴᒉᒅᒃᐡᐢᑊᔆᔇᔐᔑᕴᕯᕂᖯᙆᔘᔒᔗᑌᑍᐧᐤᕒᖕᖖ"
    # Tifinagh, Lisu, Old Italic
    "ⵔⵕⵏⵑⵓⵀⵁⵙⵢⵇⵣⴰⴻⵚⵊⵛⵥⴷⴹꓳꓢꓜꓠꓰꓖꓧꓐꓓꓲꓙꓶ𐌚𐌏𐌉𐌠𐌁𐌜𐌆𐌇𐌈"
    # Georgian capitals' second form, Latin C
    "ⴗⴁⴇⴃⴋⴘⴤⱠⱡⱫⱬⱿⱾ"
    # A slashed zero, slanted strokes, Carrier syllables
    "Øøʹ͵΄՛՝ᗷᗪᗞᗡ"
    # Mathematics, lines, pictographs
    "∂∅⌀⊘⊙⊚⊝◯○◌◎●◦•⚪⚬⏺∘☉∫∬∭∮|∣‖∕∖⁄◊⧵¬≀⌐↿⇂⇃⋅∙⋮⋯⋰⋱♭☡∎♩♪⚲"
)
"""What looks like a digit, a stroke or a dot, whatever it carries above or below."""

_SIZE = 80  # pixels the letters are drawn at


def characters() -> Images:
    """Images (n, 28, 28) uint8 of every character, each fitted as a digit is."""
    font = open_font("DejaVuSans.ttf", _SIZE)

    def draw(code: int) -> Images:
        plane = Image.new("L", (3 * _SIZE, 3 * _SIZE))
        ImageDraw.Draw(plane).text((_SIZE, _SIZE // 2), chr(code), fill=255, font=font)
        return np.asarray(plane)

    missing = draw(0xFFFFF)
    drawn = []
    for code in (code for first, last in RANGES for code in range(first, last)):
        if _left_out(code):
            continue
        plane = draw(code)
        if not plane.any() or np.array_equal(plane, missing):
            continue
        left, top, wide, tall = cv2.boundingRect(plane)
        box = plane[top : top + tall, left : left + wide]
        drawn.append(fit(box.astype(np.float32) / np.float32(255)))
    return np.stack(drawn)


def _left_out(code: int) -> bool:
    sign = chr(code)
    base = unicodedata.normalize("NFKD", sign)[0]
    return unicodedata.category(sign)[0] in "MCZ" or sign in ALIKE or base in ALIKE


def compound(images: Images, random: np.random.Generator) -> NDArray[np.uint8]:
    """A (28, 28) image of a character that no script has: two in one box, beside or above or over."""
    first, second = images[random.integers(len(images), size=2)]
    kind = int(random.integers(3))
    plane = np.zeros((SIDE, SIDE), np.uint8)
    if kind == 2:
        side = int(random.integers(9, 16))
        top, left = random.integers(2, SIDE - side - 1, 2)
        small = cv2.resize(second, (side, side), interpolation=cv2.INTER_AREA)
        plane[top : top + side, left : left + side] = small
        return np.asarray(np.maximum(first, plane), np.uint8)
    cut = int(random.integers(12, 17))
    for image, part in ((first, slice(0, cut)), (second, slice(cut, SIDE))):
        wide = part.stop - part.start
        size = (wide, SIDE) if kind == 0 else (SIDE, wide)
        half = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        place = (slice(None), part) if kind == 0 else (part, slice(None))
        plane[place] = half
    return plane

#!/usr/bin/env python3
"""Draws the sample images beside this file. Needs Pillow (12 or later) and the DejaVu fonts (Debian: fonts-dejavu-core).

    python3 draw.py [font folder]

The texts are invented. The noise comes from a fixed seed, so the same Pillow draws the same images.
"""

import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = Path(__file__).parent
FONTS = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts/truetype/dejavu")
INK = 20


def font(name, size):
    return ImageFont.truetype(str(FONTS / f"DejaVu{name}.ttf"), size)


def page(width, height):
    image = Image.new("L", (width, height), 255)
    return image, ImageDraw.Draw(image)


def save(image, name):
    # 16 greys keep the letters smooth and the files small.
    image.quantize(16).save(HERE / name, optimize=True)


def invoice():
    image, draw = page(1000, 900)
    body, bold, title = font("Sans", 24), font("Sans-Bold", 24), font("Sans-Bold", 44)
    draw.text((60, 50), "Blue Harbour Supplies", INK, title)
    draw.text((60, 120), "12 Quay Street, Port Ellery", INK, body)
    draw.text((60, 190), "Invoice 2041", INK, font("Sans-Bold", 34))
    draw.text((60, 245), "Date: 14 March 2024", INK, body)
    draw.text((60, 285), "Due: 13 April 2024", INK, body)

    right_edges = (600, 760, 940)
    rows = [
        ("Item", "Quantity", "Price", "Amount"),
        ("Copper wire, 50 m", "4", "18.50", "74.00"),
        ("Brass hinges", "12", "3.25", "39.00"),
        ("Marine varnish, 1 litre", "3", "22.40", "67.20"),
        ("Canvas sheet", "2", "41.00", "82.00"),
    ]
    for number, (item, *figures) in enumerate(rows):
        y, face = 370 + 55 * number, bold if number == 0 else body
        draw.text((60, y), item, INK, face)
        for edge, figure in zip(right_edges, figures):
            draw.text((edge, y), figure, INK, face, anchor="ra")
    draw.line((60, 412, 940, 412), INK, 2)

    sums = [("Subtotal", "262.20", body), ("Tax 20%", "52.44", body), ("Total due", "314.64", bold)]
    for number, (label, figure, face) in enumerate(sums):
        y = 680 + 45 * number
        draw.text((560, y), label, INK, face)
        draw.text((940, y), figure, INK, face, anchor="ra")
    draw.text((60, 835), "Please quote the invoice number with your payment.", INK, body)
    save(image, "invoice.png")


def letter():
    image, draw = page(1000, 860)
    body = font("Serif", 25)
    draw.text((70, 60), "Northfield Town Library", INK, font("Serif-Bold", 36))
    draw.text((70, 115), "3 Orchard Lane, Northfield", INK, body)
    draw.text((70, 190), "9 September 2024", INK, body)
    text = """Dear reader,

The reading room will be closed from Monday to
Wednesday while the new shelves are put in. Books
that are due on these days may be returned on
Thursday without a charge.

The garden door stays open, and the newspapers of
the week are laid out in the hall downstairs.

With kind regards,
The library desk"""
    draw.multiline_text((70, 270), text, INK, body, spacing=16)
    save(image, "letter.png")


def receipt():
    image, draw = page(620, 900)
    mono, bold = font("SansMono", 26), font("SansMono-Bold", 32)
    draw.text((310, 60), "CORNER BAKERY", INK, bold, anchor="ma")
    draw.text((310, 110), "Station Road 7", INK, mono, anchor="ma")
    draw.text((310, 150), "Receipt 00815", INK, mono, anchor="ma")
    rows = [
        ("Rye bread", "4.20"),
        ("Butter rolls x6", "3.60"),
        ("Apple cake", "5.75"),
        ("Coffee", "2.90"),
        ("", ""),
        ("TOTAL", "16.45"),
        ("Cash", "20.00"),
        ("Change", "3.55"),
    ]
    for number, (item, figure) in enumerate(rows):
        y, face = 240 + 54 * number, bold if item == "TOTAL" else mono
        draw.text((60, y), item, INK, face)
        draw.text((560, y), figure, INK, face, anchor="ra")
    draw.line((60, 470, 560, 470), INK, 2)
    draw.text((310, 720), "Thank you for your visit", INK, mono, anchor="ma")
    draw.text((310, 765), "2024-05-18 08:42", INK, mono, anchor="ma")

    # As a hand-held photo would have it: askew, a little soft, with specks and faded dots.
    image = image.rotate(2.2, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    image = image.filter(ImageFilter.GaussianBlur(0.6))
    dice = random.Random(2)
    pixels = image.load()
    for _ in range(1800):
        pixels[dice.randrange(image.width), dice.randrange(image.height)] = dice.choice((90, 140, 190, 255))
    save(image, "receipt.png")


if __name__ == "__main__":
    for draw_sample in (invoice, letter, receipt):
        draw_sample()

"""Puts the pictures of a message side by side: python dev/evidence_sheets.py FOLDER
TARGET. Started by dev/evidence."""

import sys
from pathlib import Path

from PIL import Image

GAP = 16
SHOTS = [
    f"{language}-{view}"
    for language in ("en", "ar", "both")
    for view in ("800-light", "800-dark", "390-light", "390-dark")
]


def join(pictures, scale=1.0):
    pictures = [
        picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.LANCZOS
        )
        for picture in pictures
    ]
    sheet = Image.new(
        "RGB",
        (
            sum(picture.width + GAP for picture in pictures) + GAP,
            max(picture.height for picture in pictures) + 2 * GAP,
        ),
        "#9ca3af",
    )
    left = GAP
    for picture in pictures:
        sheet.paste(picture, (left, GAP))
        left += picture.width + GAP
    return sheet


def save(sheet, path):
    sheet.quantize(128).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size // 1000} kB")


def main(folder, target):
    for code in sorted({path.name.rsplit("-", 1)[0] for path in folder.glob("*.html")}):
        for language in ("en", "ar", "both"):
            shots = [
                Image.open(folder / f"{code}-{shot}.png").convert("RGB")
                for shot in SHOTS
                if shot.startswith(f"{language}-")
                and (folder / f"{code}-{shot}.png").exists()
            ]
            if not shots:
                continue
            save(join(shots, 0.5), target / f"{code}-{language}.png")
    for name in sorted(
        {path.name.split("-page-")[0] for path in folder.glob("*-page-*.png")}
    ):
        pages = [
            Image.open(path).convert("RGB")
            for path in sorted(folder.glob(f"{name}-page-*.png"))
        ]
        save(join(pages[:6]), target / f"pdf-{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

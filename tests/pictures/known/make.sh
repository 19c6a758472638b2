#!/bin/sh
# Makes the pictures beside it anew: eight fields of known colours (tests/pictures/test_colours.py), by other programs
# than the one that reads them. Needs ImageMagick 6, netpbm, libtiff-tools and libjpeg-turbo-progs of Debian 12.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$work" <<'PYTHON'
import sys
from pathlib import Path

colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 0, 0), (255, 255, 255), (128, 64, 32), (40, 90, 200)]
row = b"".join(bytes(colour) * 8 for colour in colours)
Path(sys.argv[1], "fields.ppm").write_bytes(b"P6\n64 8\n255\n" + row * 8)
PYTHON
fields=$work/fields.ppm
ppmtobmp -quiet -os2 -bpp 24 "$fields" >os2-24-bits.bmp
ppmtobmp -quiet -os2 -bpp 8 "$fields" >os2-palette-8-bits.bmp
ppmtobmp -quiet -os2 -bpp 4 "$fields" >os2-palette-4-bits.bmp
convert "$fields" -type Palette BMP2:os2-imagemagick.bmp
convert "$fields" -type Palette -compress RLE BMP:run-lengths.bmp
convert "$fields" -depth 8 -compress none "$work/8.tiff"
convert "$fields" -depth 16 -compress none "$work/16.tiff"
tiffcp -c none -p separate "$work/8.tiff" planes-8-bits.tiff
tiffcp -c lzw -p separate "$work/8.tiff" planes-8-bits-lzw.tiff
tiffcp -c jpeg "$work/8.tiff" ycbcr-jpeg.tiff
tiffcp -B -c zip "$work/16.tiff" 16-bits-big-endian.tiff
convert "$fields" -depth 16 -interlace plane -compress none planes-16-bits.tiff
convert "$fields" -depth 16 -interlace plane -compress none -endian MSB planes-16-bits-big-endian.tiff
convert "$fields" -depth 16 -interlace plane -compress zip planes-16-bits-zip.tiff
convert "$fields" -colorspace Lab -depth 8 -compress zip lab.tiff
convert "$fields" -colorspace CMYK -depth 8 -compress zip cmyk.tiff
convert "$fields" -colorspace CMYK -depth 8 -interlace plane -compress none cmyk-planes.tiff
convert "$fields" -colorspace CMYK -quality 95 cmyk.jpg
cjpeg -rgb -quality 95 "$fields" >rgb.jpg
cjpeg -arithmetic -quality 95 -sample 1x1 "$fields" >arithmetic.jpg
cjpeg -quality 95 -sample 1x1,1x2,2x1 "$fields" >rare-subsampling.jpg
convert "$fields" PNG48:16-bits.png
convert "$fields" -define webp:lossless=true lossless.webp
convert "$fields" fields.gif
convert "$fields" -compress none text.ppm
find . -type f ! -name '*.sh' -exec chmod 644 {} +

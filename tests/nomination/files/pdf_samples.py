"""Honest PDFs: of different writers, repaired by nobody, and with what real documents carry."""

from __future__ import annotations

import base64
import io
import re
import zlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw, TiffImagePlugin
from pypdf import PdfReader, PdfWriter

from tests.nomination.files.pdf_files import A4, assembled, nested_tree, stream
from tests.nomination.files.samples import Sample
from tests.picture_files import halves, saved
from voting_service.infrastructure.typesetting.compiler import typeset

TEXT = b"BT /F1 24 Tf 72 720 Td (Certificate of award) Tj ET"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def written(
    pages: int = 1,
    *,
    page: bytes = b"",
    box: bytes = A4,
    catalog: bytes = b"",
    contents: bytes = b"",
    extra: tuple[bytes, ...] = (),
    head: bytes = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
    trailer: bytes = b"",
) -> bytes:
    """A page of text, by hand: object 3 is the font, 4 its content, 5 the first page; `extra`
    objects are numbered from `pages + 5`."""
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    sheet = b"/Parent 2 0 R %s /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >>" % box
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
            FONT,
            contents or stream(TEXT),
            *[b"<< /Type /Page %s %s >>" % (sheet, page)] * pages,
            *extra,
        ],
        head=head,
        trailer=trailer,
    )


def changed(old: bytes, new: bytes, content: bytes | None = None) -> bytes:
    content = written() if content is None else content
    assert old in content
    return content.replace(old, new)


def numbered_from_one() -> bytes:
    """A table that begins at 1, as some printer drivers write."""
    return re.sub(rb"xref\n0 (\d+)\n", rb"xref\n1 \1\n", written())


def without_table() -> bytes:
    return re.sub(rb"xref\n.*?trailer", b"trailer", written(2), flags=re.DOTALL)


def updated() -> bytes:
    writer = PdfWriter(io.BytesIO(written(2)), incremental=True)
    writer.add_metadata({"/Title": "二次保存", "/Author": "PLANTED-7f3a"})
    return bytes_from(writer.write)


def bytes_from(write: Callable[[io.BytesIO], Any]) -> bytes:
    target = io.BytesIO()
    write(target)
    return target.getvalue()


def resaved(content: bytes | None = None, **options: Any) -> bytes:
    """As qpdf saves it, in any of its ways."""
    with pikepdf.open(io.BytesIO(written(3) if content is None else content)) as pdf:
        return bytes_from(partial(pdf.save, **options))


def protected(**strength: Any) -> bytes:
    """Opens without a password; only changing it needs one."""
    return resaved(encryption=pikepdf.Encryption(owner="owner", user="", **strength))


def edited(edit: Callable[[pikepdf.Pdf], None], pages: int = 1) -> bytes:
    with pikepdf.open(io.BytesIO(written(pages))) as pdf:
        edit(pdf)
        return bytes_from(pdf.save)


def linking(**action: Any) -> bytes:
    """A page with a link that does this when it is touched."""

    def edit(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].obj.Annots = Array(
            [
                Dictionary(
                    Type=Name.Annot,
                    Subtype=Name.Link,
                    Rect=[72, 700, 200, 720],
                    A=Dictionary(**action),
                )
            ]
        )

    return edited(edit)


def catalogued(**entries: Any) -> bytes:
    return edited(lambda pdf: pdf.Root.update(Dictionary(**entries)))


def stamped(pdf: pikepdf.Pdf) -> None:
    """A stamp with an appearance, and a remark without one."""
    look = pdf.make_stream(b"1 0 0 RG 5 5 90 40 re S")
    look.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 50]))
    pdf.pages[0].obj.Annots = Array(
        [
            Dictionary(
                Type=Name.Annot,
                Subtype=Name.Stamp,
                Rect=[300, 100, 400, 150],
                AP=Dictionary(N=look),
                Contents=String("已核对"),
            ),
            Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=[9, 9, 29, 29]),
            Dictionary(Type=Name.Annot, Subtype=Name.Popup, Rect=[9, 9, 99, 99]),
        ]
    )


def filled_form(value: str, *, drawn: bool) -> Callable[[pikepdf.Pdf], None]:
    """A form whose field has a value, with or without an appearance."""

    def edit(pdf: pikepdf.Pdf) -> None:
        field = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T=String("name"),
            V=String(value),
            Rect=[72, 600, 300, 630],
            DA=String("/Helv 12 Tf 0 g"),
        )
        if drawn:
            look = pdf.make_stream(b"/Tx BMC BT 0 g ET EMC")
            look.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 228, 30]))
            field.AP = Dictionary(N=look)
        widget = pdf.make_indirect(field)
        pdf.pages[0].obj.Annots = Array([widget])
        font = pdf.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        )
        pdf.Root.AcroForm = Dictionary(
            Fields=[widget],
            NeedAppearances=not drawn,
            DR=Dictionary(Font=Dictionary(Helv=font)),
            DA=String("/Helv 12 Tf 0 g"),
        )

    return edit


def signed(pdf: pikepdf.Pdf) -> None:
    """A signature with a stamp, as electronic certificates have."""
    look = pdf.make_stream(b"1 0 0 RG 10 10 80 80 re S")
    look.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 100]))
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Sig,
            T=String("Signature1"),
            Rect=[400, 100, 500, 200],
            AP=Dictionary(N=look),
            V=Dictionary(
                Type=Name.Sig,
                Filter=Name("/Adobe.PPKLite"),
                SubFilter=Name("/adbe.pkcs7.detached"),
                ByteRange=[0, 9, 99, 9],
                Contents=String("0" * 64),
            ),
        )
    )
    pdf.pages[0].obj.Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(Fields=[field], SigFlags=3)


def layered(pdf: pikepdf.Pdf) -> None:
    """A layer that is seen and one that is not."""
    groups = [
        pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(name))) for name in ("页面", "草稿")
    ]
    pdf.Root.OCProperties = Dictionary(OCGs=groups, D=Dictionary(OFF=[groups[1]], Order=groups))
    page = pdf.pages[0].obj
    page.Resources.Properties = Dictionary(Shown=groups[0], Hidden=groups[1])
    page.Contents = pdf.make_stream(
        b"/OC /Shown BDC %s EMC /OC /Hidden BDC 9 9 99 99 re f EMC" % TEXT
    )


def tagged(pdf: pikepdf.Pdf) -> None:
    root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    root.K = pdf.make_indirect(
        Dictionary(Type=Name.StructElem, S=Name.P, P=root, Pg=pdf.pages[0].obj, K=0)
    )
    pdf.Root.StructTreeRoot = root
    pdf.Root.MarkInfo = Dictionary(Marked=True)
    pdf.pages[0].obj.StructParents = 0


def outlined(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("获奖证书", 0))


def described(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as metadata:
        metadata["dc:title"] = "PLANTED-7f3a"
    pdf.pages[0].obj.PieceInfo = Dictionary(Editor=Dictionary(LastModified=String("D:2022")))
    pdf.pages[0].obj.Thumb = pdf.make_stream(b"\0" * 12)


def invoice(pdf: pikepdf.Pdf) -> None:
    """An electronic invoice, whose figures are attached as XML."""
    pdf.attachments["invoice.xml"] = pikepdf.AttachedFileSpec(
        pdf, b'<?xml version="1.0"?><Invoice/>', mime_type="text/xml"
    )


def of_pictures(*pictures: Image.Image, **options: Any) -> bytes:
    """As Pillow writes it, and most scanners: a picture a page."""
    first, *rest = pictures
    return saved(first, "PDF", save_all=True, append_images=rest, **options)


def holding(entries: bytes, data: bytes) -> bytes:
    """A page that shows one picture object."""
    picture = stream(data, b"/Type /XObject /Subtype /Image %s" % entries)
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R %s /Contents 4 0 R /Resources"
            b" << /XObject << /Im0 5 0 R >> >> >>" % A4,
            stream(b"q 500 0 0 700 40 60 cm /Im0 Do Q"),
            picture,
        ]
    )


SHEET = halves(500, 700)
IN_RGB = b"/Width 500 /Height 700 /ColorSpace /DeviceRGB /BitsPerComponent 8 "


@cache
def fax() -> bytes:
    """A page as scanners and fax machines send it: black and white, CCITT group 4."""
    page = Image.new("1", (600, 848), 1)
    ImageDraw.Draw(page).rectangle((60, 60, 540, 300), fill=0)
    tiff = Image.open(io.BytesIO(saved(page, "TIFF", compression="group4")))
    assert isinstance(tiff, TiffImagePlugin.TiffImageFile)
    assert tiff.fp is not None
    [place], [length] = tiff.tag_v2[273], tiff.tag_v2[279]
    tiff.fp.seek(place)
    return holding(
        b"/Width 600 /Height 848 /ColorSpace /DeviceGray /BitsPerComponent 1"
        b" /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 600 /Rows 848 /BlackIs1 false >>",
        tiff.fp.read(length),
    )


def indexed() -> bytes:
    few = SHEET.quantize(4)
    palette = bytes(few.getpalette() or ())[:12]
    return holding(
        b"/Width 500 /Height 700 /BitsPerComponent 8 /Filter /FlateDecode"
        b" /ColorSpace [/Indexed /DeviceRGB 3 <%s>]" % palette.hex().encode(),
        zlib.compress(few.tobytes()),
    )


def lzw(content: bytes) -> bytes:
    """The simplest LZW: a clear code so often that codes stay nine bits long."""
    bits = ""
    for place, byte in enumerate(content):
        bits += ("100000000" if place % 200 == 0 else "") + f"{byte:09b}"
    bits += "100000001"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def run_length(content: bytes) -> bytes:
    return (
        b"".join(
            bytes([len(content[place : place + 128]) - 1]) + content[place : place + 128]
            for place in range(0, len(content), 128)
        )
        + b"\x80"
    )


def typeset_pages(pages: int = 3) -> bytes:
    return typeset("voting_service.demo", "evidence.typ", {"pages": pages})


def from_pdfium(pages: int) -> bytes:
    with pypdfium2.PdfDocument.new() as document:
        for _ in range(pages):
            document.new_page(595, 842)
        return bytes_from(document.save)


def merged() -> bytes:
    writer = PdfWriter()
    for part in (written(2), typeset_pages(1), of_pictures(SHEET)):
        writer.append(PdfReader(io.BytesIO(part)))
    return bytes_from(writer.write)


def hybrid() -> bytes:
    """A table for old readers and, for new ones, a stream with the same."""
    plain = written()
    places = [
        (int(number), match.start())
        for match in re.finditer(rb"(\d+) 0 obj", plain)
        for number in [match[1]]
    ]
    rows = b"".join(b"\x01" + place.to_bytes(4, "big") + b"\0\0" for _, place in places)
    start = plain.rindex(b"xref\n0")
    table = b"99 0 obj\n%s\nendobj\n" % stream(
        b"\0\0\0\0\0\xff\xff" + rows,
        b"/Type /XRef /W [1 4 2] /Size %d /Root 1 0 R" % (len(places) + 1),
    )
    moved = plain[:start] + table + plain[start:]
    moved = moved.replace(b"trailer\n<<", b"trailer\n<< /XRefStm %d" % start)
    return re.sub(rb"startxref\n\d+", b"startxref\n%d" % (start + len(table)), moved)


PJL = b"\x1b%-12345X@PJL JOB\r\n@PJL ENTER LANGUAGE=PDF\r\n"
SIZES = {
    "A3": b"842 1191",
    "A4 landscape": b"842 595",
    "A5": b"420 595",
    "Letter": b"612 792",
    "Legal": b"612 1008",
    "slide": b"960 540",
    "16K": b"553 765",
    "B5": b"516 729",
    "ID card": b"243 153",
    "phone": b"3024 4032",
    "receipt": b"226 600",
    "line": b"400 60",
}
HAND_WRITTEN: dict[str, Callable[[], bytes]] = {
    **{
        f"version {version}": partial(written, head=b"%%PDF-%s\n" % version.encode())
        for version in ("1.0", "1.3", "1.5", "1.7", "2.0")
    },
    **{f"{pages} pages": partial(written, pages) for pages in (2, 5, 9, 10)},
    **{
        f"size {name}": partial(written, box=b"/MediaBox [0 0 %s]" % box)
        for name, box in SIZES.items()
    },
    **{
        f"turned {angle}": partial(written, page=b"/Rotate %d" % angle)
        for angle in (90, 180, 270, -90)
    },
    "corners the other way": partial(written, box=b"/MediaBox [595 842 0 0]"),
    "crop box": partial(written, page=b"/CropBox [20 20 575 822]"),
    "no size": partial(written, box=b""),
    "size of words": partial(written, box=b"/MediaBox [(a) 0 595 842]"),
    "lines of carriage returns": lambda: re.sub(rb"\n(?=.*obj|endobj)", b"\r", written()),
    "windows line ends": lambda: written().replace(b"endobj\n", b"endobj\r\n"),
    "no binary comment": partial(written, head=b"%PDF-1.4\n"),
    "empty line before": lambda: b"\n" + written(),
    "byte order mark before": lambda: b"\xef\xbb\xbf" + written(),
    "printer language around": lambda: PJL + written() + b"\x1b%-12345X@PJL EOJ\r\n",
    "mail header before": lambda: b"Content-Type: application/pdf\r\n\r\n" + written(),
    "a byte behind": lambda: written() + b"x",
    "zeros behind": lambda: written() + b"\0" * 4096,
    "line ends behind": lambda: written() + b"\r\n" * 700,
    "end of a transfer behind": lambda: written() + b"\r\n------WebKitFormBoundary7MA4--\r\n",
    "no end mark": lambda: changed(b"%%EOF\n", b""),
    "two end marks": lambda: written() + b"%%EOF\n",
    "no line end behind the end mark": lambda: written().rstrip(),
    "cut in the table": lambda: written(2)[: written(2).index(b"trailer") - 30],
    "table from one": numbered_from_one,
    "no table": without_table,
    "table elsewhere": lambda: re.sub(rb"startxref\n\d+", b"startxref\n7", written()),
    "table start of zero": lambda: re.sub(rb"startxref\n\d+", b"startxref\n0", written()),
    "short table lines": lambda: written().replace(b" 00000 n \n", b" 00000 n\n"),
    "wrong places": lambda: changed(b"1 0 obj", b"  1 0 obj"),
    "wrong length": lambda: changed(b"/Length %d" % len(TEXT), b"/Length 5"),
    "no length": lambda: changed(b"/Length %d" % len(TEXT), b""),
    "no end of stream": lambda: changed(b"\nendstream", b""),
    "key twice": lambda: changed(b"/Type /Pages", b"/Type /Pages /Type /Pages"),
    "no type of a page": lambda: changed(b"/Type /Page ", b""),
    "no type of the tree": lambda: changed(b"/Type /Pages", b""),
    "count too small": lambda: changed(b"/Count 3", b"/Count 2", written(3)),
    "count too large": lambda: changed(b"/Count 3", b"/Count 30", written(3)),
    "no count": lambda: changed(b"/Count 1", b""),
    "null annotations": partial(written, page=b"/Annots null"),
    "annotations of nothing": partial(written, page=b"/Annots [null 77 0 R]"),
    "contents in parts": partial(written, page=b"/Contents [4 0 R 4 0 R]"),
    "no contents": lambda: changed(b"/Contents 4 0 R", b""),
    "deep tree": partial(nested_tree, 20),
    "escaped names": lambda: changed(b"/Type /Page ", b"/Ty#70e /P#61ge "),
    "comments": lambda: changed(b"/Count 1", b"/Count % how many\n1"),
    "numbers with signs": partial(written, box=b"/MediaBox [+0 -0.0 595. 842.00]"),
    "zipped": lambda: written(contents=stream(zlib.compress(TEXT), b"/Filter /FlateDecode")),
    "zipped without its end": lambda: written(
        contents=stream(zlib.compress(TEXT)[:-4], b"/Filter /FlateDecode")
    ),
    "zipped twice": lambda: written(
        contents=stream(zlib.compress(zlib.compress(TEXT)), b"/Filter [/FlateDecode /FlateDecode]")
    ),
    "LZW": lambda: written(contents=stream(lzw(TEXT), b"/Filter /LZWDecode")),
    "LZW short": lambda: written(contents=stream(lzw(TEXT), b"/Filter [/LZW]")),
    "run length": lambda: written(contents=stream(run_length(TEXT), b"/Filter /RunLengthDecode")),
    "hexadecimal": lambda: written(
        contents=stream(TEXT.hex().encode() + b">", b"/Filter /ASCIIHexDecode")
    ),
    "85 letters": lambda: written(
        contents=stream(
            base64.a85encode(zlib.compress(TEXT)) + b"~>",
            b"/Filter [/ASCII85Decode /FlateDecode]",
        )
    ),
}
CARRYING: dict[str, Callable[[], bytes]] = {
    "web link": partial(linking, S=Name.URI, URI=String("https://example.org/")),
    "mail link": partial(linking, S=Name.URI, URI=String("mailto:office@example.org")),
    "telephone link": partial(linking, S=Name.URI, URI=String("tel:023-12345678")),
    "link to a local file": partial(linking, S=Name.URI, URI=String("file:///C:/a/b.docx")),
    "link to a file beside": partial(linking, S=Name.URI, URI=String("附件1.docx")),
    "link with a typing error": partial(linking, S=Name.URI, URI=String("htp:/example.org")),
    "link into another PDF": partial(linking, S=Name.GoToR, F=String("b.pdf"), D=[0, Name.Fit]),
    "link to the next page": partial(linking, S=Name.Named, N=Name.NextPage),
    "link to a name": partial(linking, S=Name.GoTo, D=String("chapter")),
    "link that shows a layer": partial(linking, S=Name.SetOCGState, State=[]),
    "link that hides a field": partial(linking, S=Name.Hide, T=String("x")),
    "opening view": partial(catalogued, PageMode=Name.UseNone, PageLayout=Name.SinglePage),
    "opening page": lambda: written(catalog=b"/OpenAction [5 0 R /Fit]"),
    "opening page by an action": lambda: written(
        catalog=b"/OpenAction << /S /GoTo /D [5 0 R /Fit] >>"
    ),
    "printed when opened": lambda: written(catalog=b"/OpenAction << /S /Named /N /Print >>"),
    "no scripts in the names": lambda: written(
        catalog=b"/Names << /JavaScript << /Names [] >> /EmbeddedFiles << /Names [] >> >>"
    ),
    "viewer preferences": partial(catalogued, ViewerPreferences=Dictionary(HideToolbar=True)),
    "page labels": partial(catalogued, PageLabels=Dictionary(Nums=[0, Dictionary(S=Name.r)])),
    "language": partial(catalogued, Lang=String("zh-CN")),
    "stamp": partial(edited, stamped),
    "form with looks": partial(edited, filled_form("李明", drawn=True)),
    "form without looks": partial(edited, filled_form("Li Ming", drawn=False)),
    "empty form": partial(edited, filled_form("", drawn=False)),
    "signature": partial(edited, signed),
    "layers": partial(edited, layered),
    "tags": partial(edited, tagged),
    "bookmarks": partial(edited, outlined),
    "metadata": partial(edited, described),
    "invoice with its figures": partial(edited, invoice),
    "revision": updated,
    "merged": merged,
}
OF_WRITERS: dict[str, Callable[[], bytes]] = {
    "saved plainly": resaved,
    "saved with object streams": partial(
        resaved, object_stream_mode=pikepdf.ObjectStreamMode.generate
    ),
    "linearised": partial(resaved, linearize=True),
    "linearised with object streams": partial(
        resaved, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate
    ),
    "saved for reading": partial(resaved, qdf=True),
    "protected with 40 bits": partial(protected, R=2, aes=False, metadata=False),
    "protected with 128 bits": partial(protected, R=3, aes=False, metadata=False),
    "protected with AES": partial(protected, R=4),
    "protected with AES of 256 bits": partial(protected, R=6),
    "hybrid": hybrid,
    **{f"typeset {pages}": partial(typeset_pages, pages) for pages in (1, 4, 10)},
    **{f"from pdfium {pages}": partial(from_pdfium, pages) for pages in (1, 10)},
    "scanned in colour": lambda: of_pictures(halves(1240, 1754), resolution=150),
    "scanned ten pages": lambda: of_pictures(*[halves(827, 1169)] * 10, resolution=100),
    "scanned in grey": lambda: of_pictures(SHEET.convert("L")),
    "scanned in black and white": lambda: of_pictures(SHEET.convert("1")),
    "scanned in palette": lambda: of_pictures(SHEET.quantize(16)),
    "scanned for print": lambda: of_pictures(SHEET.convert("CMYK")),
    "photographed": lambda: of_pictures(halves(3024, 4032), resolution=72),
    "fax": fax,
    "JPEG": lambda: holding(IN_RGB + b"/Filter /DCTDecode", saved(SHEET, "JPEG")),
    "JPEG in an array": lambda: holding(IN_RGB + b"/Filter [/DCTDecode]", saved(SHEET, "JPEG")),
    "zipped JPEG": lambda: holding(
        IN_RGB + b"/Filter [/FlateDecode /DCTDecode]", zlib.compress(saved(SHEET, "JPEG"))
    ),
    "progressive JPEG": lambda: holding(
        IN_RGB + b"/Filter /DCTDecode", saved(SHEET, "JPEG", progressive=True)
    ),
    "JPEG 2000": lambda: holding(
        b"/Width 500 /Height 700 /Filter /JPXDecode", saved(SHEET, "JPEG2000")
    ),
    "pixels": lambda: holding(IN_RGB + b"/Filter /FlateDecode", zlib.compress(SHEET.tobytes())),
    "pixels by LZW": lambda: holding(
        IN_RGB.replace(b"500", b"50").replace(b"700", b"70") + b"/Filter /LZWDecode",
        lzw(halves(50, 70).tobytes()),
    ),
    "palette": indexed,
}
SAMPLES = [
    Sample(f"{name}.pdf", make)
    for kinds in (HAND_WRITTEN, CARRYING, OF_WRITERS)
    for name, make in kinds.items()
] + [
    Sample("PDF called Word.doc", written),
    Sample("PDF called picture.jpg", written),
    Sample("PDF without suffix", written),
    Sample("stamped page.pdf", written, "scan"),
    Sample("stamped page, scanned.pdf", lambda: of_pictures(halves(1240, 1754)), "scan"),
]

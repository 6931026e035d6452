"""Honest files of further writers: what programs, scanners, phones and stamping software add."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw, TiffImagePlugin

from tests.nomination.files.pdf_samples import (
    SHEET,
    TEXT,
    bytes_from,
    edited,
    holding,
    of_pictures,
    typeset_pages,
    written,
)
from tests.nomination.files.picture_samples import turned
from tests.nomination.files.samples import Sample
from tests.nomination.files.word_files import docx, paragraph
from tests.nomination.files.word_makers import linked
from tests.picture_files import halves, jpeg, saved

# PDF


def inherited(pdf: pikepdf.Pdf) -> None:
    """Size, turn and resources stand at the tree, not at the page, as Acrobat writes them."""
    page, tree = pdf.pages[0].obj, pdf.Root.Pages
    for key in ("/MediaBox", "/Resources"):
        tree[key] = page[key]
        del page[key]
    tree.Rotate = 90


def archival(pdf: pikepdf.Pdf) -> None:
    """PDF/A-3: a colour profile, metadata, and a source file that belongs to the document."""
    profile = pdf.make_stream(b"\0" * 128)
    profile.update(Dictionary(N=3, Alternate=Name.DeviceRGB))
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name("/GTS_PDFA1"),
        OutputConditionIdentifier=String("sRGB"),
        DestOutputProfile=profile,
    )
    pdf.Root.OutputIntents = Array([intent])
    with pdf.open_metadata() as metadata:
        metadata["pdfaid:part"], metadata["pdfaid:conformance"] = "3", "B"
    pdf.attachments["data.xml"] = pikepdf.AttachedFileSpec(
        pdf, b'<?xml version="1.0"?><data/>', mime_type="text/xml"
    )
    pdf.Root.AF = Array([pdf.attachments["data.xml"].obj])


def painted(pdf: pikepdf.Pdf) -> None:
    """A gradient, a tiled pattern, a soft mask and an inline image, as drawing programs write."""
    tile = pdf.make_stream(b"1 0 0 rg 0 0 5 5 re f")
    tile.update(
        Dictionary(
            Type=Name.Pattern,
            PatternType=1,
            PaintType=1,
            TilingType=1,
            BBox=[0, 0, 10, 10],
            XStep=10,
            YStep=10,
            Resources=Dictionary(),
        )
    )
    fade = Dictionary(
        ShadingType=2,
        ColorSpace=Name.DeviceRGB,
        Coords=[0, 0, 200, 0],
        Function=Dictionary(FunctionType=2, Domain=[0, 1], C0=[1, 0, 0], C1=[0, 0, 1], N=1),
    )
    mask = pdf.make_stream(b"0.5 g 0 0 300 300 re f")
    mask.update(
        Dictionary(
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=[0, 0, 300, 300],
            Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray),
        )
    )
    page = pdf.pages[0].obj
    page.Resources.Pattern = Dictionary(P1=tile)
    page.Resources.Shading = Dictionary(S1=fade)
    page.Resources.ExtGState = Dictionary(
        G1=Dictionary(Type=Name.ExtGState, ca=0.5, SMask=Dictionary(S=Name.Luminosity, G=mask))
    )
    page.Group = Dictionary(S=Name.Transparency, CS=Name.DeviceRGB)
    page.Contents = pdf.make_stream(
        b"q /Pattern cs /P1 scn 50 50 100 100 re f Q q /G1 gs /S1 sh Q "
        b"q 40 0 0 40 300 300 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00ff00ff> EI Q " + TEXT
    )


def hand_drawn_font(pdf: pikepdf.Pdf) -> None:
    """Letters that are drawings (Type 3), as Chromium and TeX write."""
    letter = pdf.make_stream(b"500 0 0 0 500 500 d1 0 0 400 400 re f")
    pdf.pages[0].obj.Resources.Font.F1 = pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type3,
            FontBBox=[0, 0, 500, 500],
            FontMatrix=[0.001, 0, 0, 0.001, 0, 0],
            CharProcs=Dictionary(a=letter),
            Encoding=Dictionary(Type=Name.Encoding, Differences=[67, Name.a, 101, Name.a]),
            FirstChar=67,
            LastChar=101,
            Widths=[500] * 35,
        )
    )


def chinese_font_elsewhere(pdf: pikepdf.Pdf) -> None:
    """Chinese text in a font that readers have and the file has not, as report programs write."""
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType0,
        BaseFont=Name("/STSong-Light"),
        CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("GB1"), Supplement=0),
    )
    pdf.pages[0].obj.Resources.Font.F1 = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=Name("/STSong-Light"),
        Encoding=Name("/UniGB-UCS2-H"),
        DescendantFonts=Array([descendant]),
    )
    text = "获奖证书".encode("utf-16-be").hex().encode()
    pdf.pages[0].obj.Contents = pdf.make_stream(b"BT /F1 24 Tf 72 720 Td <%s> Tj ET" % text)


def marked_up(pdf: pikepdf.Pdf) -> None:
    """What readers' pens leave: highlights, lines, ink, free text, a stamp of a picture."""
    look = pdf.make_stream(b"1 1 0 rg 0 0 100 20 re f")
    look.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 20]))
    corners = Array([72, 620, 172, 620, 72, 600, 172, 600])
    marks: dict[str, dict[str, Any]] = {
        "Highlight": {"QuadPoints": corners},
        "Ink": {"InkList": Array([Array([72, 600, 100, 610])])},
        "Line": {"L": Array([72, 600, 172, 600])},
        "FreeText": {"DA": String("/Helv 12 Tf 0 g"), "Contents": String("同意")},
        "Square": {},
        "Underline": {"QuadPoints": corners},
        "Watermark": {},
    }
    pdf.pages[0].obj.Annots = Array(
        [
            Dictionary(
                Type=Name.Annot,
                Subtype=Name(f"/{kind}"),
                Rect=[72, 600 - 30 * place, 172, 620 - 30 * place],
                AP=Dictionary(N=look),
                F=4,
                **more,
            )
            for place, (kind, more) in enumerate(marks.items())
        ]
    )


def threaded(pdf: pikepdf.Pdf) -> None:
    """Article threads, named places, page transitions, an empty list of additional actions."""
    page = pdf.pages[0].obj
    page.Trans, page.Dur = Dictionary(S=Name.Dissolve), 5
    page.AA = Dictionary()
    pdf.Root.Threads = Array([])
    pdf.Root.Dests = Dictionary(top=Array([page, Name.Fit]))
    pdf.Root.Names = Dictionary(
        Dests=Dictionary(Names=Array([String("a"), Array([page, Name.Fit])]))
    )
    pdf.Root.PageMode = Name.UseOutlines


def ticked_form(pdf: pikepdf.Pdf) -> None:
    """A form with a ticked box and a chosen line, drawn, as word processors export it."""
    on = pdf.make_stream(b"0 0 10 10 re f")
    off = pdf.make_stream(b"")
    for look in (on, off):
        look.update(Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 10, 10]))
    box = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Btn,
            T=String("agree"),
            V=Name.Yes,
            AS=Name.Yes,
            Rect=[72, 600, 82, 610],
            AP=Dictionary(N=Dictionary(Yes=on, Off=off)),
        )
    )
    pdf.pages[0].obj.Annots = Array([box])
    pdf.Root.AcroForm = Dictionary(Fields=[box], DA=String("/Helv 0 Tf 0 g"))


def fax_data() -> tuple[int, int, bytes]:
    """A page of black and white as CCITT group 4."""
    page = Image.new("1", (1240, 1754), 1)
    ImageDraw.Draw(page).rectangle((120, 120, 1100, 700), fill=0)
    strip = {278: page.height}  # one, not several
    content = saved(page, "TIFF", compression="group4", tiffinfo=strip)
    with Image.open(io.BytesIO(content)) as tiff:
        assert isinstance(tiff, TiffImagePlugin.TiffImageFile)
        assert tiff.fp is not None
        [place], [length] = tiff.tag_v2[273], tiff.tag_v2[279]
        tiff.fp.seek(place)
        return page.width, page.height, tiff.fp.read(length)


def jbig2() -> bytes:
    """A scan as copiers pack it: JBIG2, one region of the page (ITU-T T.88, 7.4)."""
    width, height, data = fax_data()
    page = struct.pack(">IIIIBH", width, height, 0, 0, 0, 0)
    region = struct.pack(">IIIIBB", width, height, 0, 0, 0, 1) + data  # coded as the fax is
    segments = b"".join(
        struct.pack(">IBBBI", number, kind, 0, 1, len(content)) + content
        for number, (kind, content) in enumerate(((48, page), (38, region)))
    )
    return holding(
        b"/Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode"
        % (width, height),
        segments,
    )


def masked_scan() -> bytes:
    """A scan in layers (MRC): colours below, black letters as a mask above."""
    width, height, letters = fax_data()
    with pikepdf.open(io.BytesIO(of_pictures(SHEET))) as pdf:
        mask = pdf.make_stream(letters)
        mask.update(
            Dictionary(
                Type=Name.XObject,
                Subtype=Name.Image,
                Width=width,
                Height=height,
                ImageMask=True,
                BitsPerComponent=1,
                Filter=Name.CCITTFaxDecode,
                DecodeParms=Dictionary(K=-1, Columns=width, Rows=height),
            )
        )
        page = pdf.pages[0].obj
        page.Resources.XObject.Letters = mask
        pdf.pages[0].contents_add(b"q 400 0 0 600 0 0 cm 0 g /Letters Do Q")
        return bytes_from(pdf.save)


def searchable_scan() -> bytes:
    """A scan with its text, recognised and invisible, behind the picture."""
    with pikepdf.open(io.BytesIO(of_pictures(SHEET))) as pdf:
        page = pdf.pages[0].obj
        page.Resources.Font = Dictionary(
            F1=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        )
        pdf.pages[0].contents_add(b"BT 3 Tr /F1 10 Tf 20 20 Td (recognised) Tj ET")
        return bytes_from(pdf.save)


def many_revisions() -> bytes:
    """Saved again and again, each time with only what changed behind what was there."""
    content = written(2)
    for number in range(3):
        start = int(content[content.rindex(b"startxref") :].split()[1])
        place = len(content)
        content += b"%d 0 obj\n<< /Producer (%d) >>\nendobj\n" % (7 + number, number)
        table = len(content)
        content += (
            b"xref\n%d 1\n%010d 00000 n \n"
            b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R /Prev %d >>\n"
            b"startxref\n%d\n%%%%EOF\n"
        ) % (7 + number, place, 8 + number, 7 + number, start, table)
    return content


def letter_pages() -> bytes:
    return written(3, box=b"/MediaBox [0 0 612 792]")


PDFS: dict[str, Callable[[], bytes]] = {
    **{
        name: partial(edited, edit)
        for name, edit in {
            "size at the tree": inherited,
            "archival with its source": archival,
            "gradients and patterns": painted,
            "letters as drawings": hand_drawn_font,
            "Chinese font elsewhere": chinese_font_elsewhere,
            "marked with a pen": marked_up,
            "threads and transitions": threaded,
            "ticked form": ticked_form,
        }.items()
    },
    "copier JBIG2": jbig2,
    "scan in layers": masked_scan,
    "searchable scan": searchable_scan,
    "saved again and again": many_revisions,
    "letter pages": letter_pages,
    "JPEG 2000 in grey": lambda: holding(
        b"/Width 500 /Height 700 /Filter /JPXDecode", saved(SHEET.convert("L"), "JPEG2000")
    ),
    "CMYK JPEG": lambda: holding(
        b"/Width 500 /Height 700 /ColorSpace /DeviceCMYK /BitsPerComponent 8 /Filter /DCTDecode"
        b" /Decode [1 0 1 0 1 0 1 0]",
        saved(SHEET.convert("CMYK"), "JPEG"),
    ),
    "16 bits a colour": lambda: holding(
        b"/Width 100 /Height 100 /ColorSpace /DeviceGray /BitsPerComponent 16 /Filter /FlateDecode",
        zlib.compress(bytes(range(200)) * 100),
    ),
    "predicted rows": lambda: holding(
        b"/Width 100 /Height 100 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode"
        b" /DecodeParms << /Predictor 15 /Colors 3 /Columns 100 >>",
        zlib.compress((b"\x02" + bytes(300)) * 100),
    ),
    "typeset with tags": partial(typeset_pages, 2),
}

# Word


def leading_to(body: str, parts: Mapping[str, tuple[str, str]]) -> bytes:
    """A document that leads to `parts`, by name: the kind of relationship and the content."""
    targets = [(kind, f"{name}.xml") for name, (kind, _) in parts.items()]
    contents = {f"word/{name}.xml": content for name, (_, content) in parts.items()}
    return docx(body, {**contents, **linked(*targets, external=False)})


def footnoted() -> bytes:
    """As pandoc writes: footnotes, numbering, comments and an empty theme beside the text."""
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    note = '<w:footnote w:id="1"><w:p><w:r><w:t>见附件</w:t></w:r></w:p></w:footnote>'
    return leading_to(
        '<w:p><w:r><w:t>主要事迹</w:t></w:r><w:r><w:footnoteReference w:id="1"/></w:r></w:p>',
        {
            "footnotes": ("footnotes", f"<w:footnotes {names}>{note}</w:footnotes>"),
            "comments": ("comments", f"<w:comments {names}/>"),
            "numbering": ("numbering", f"<w:numbering {names}/>"),
        },
    )


def diagram() -> bytes:
    """SmartArt: the data, layout, style, colours and the drawing that Word made of it."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006"
    names = f'xmlns:dgm="{drawing}/diagram" xmlns:a="{drawing}/main"'
    frame = (
        f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="{drawing}/wordprocessingDrawing">'
        '<wp:extent cx="3600000" cy="2400000"/><wp:docPr id="1" name="d"/>'
        f'<a:graphic xmlns:a="{drawing}/main"><a:graphicData uri="{drawing}/diagram">'
        f'<dgm:relIds xmlns:dgm="{drawing}/diagram" r:dm="r1" r:lo="r2" r:qs="r3" r:cs="r4"/>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    return leading_to(
        frame + paragraph("获奖情况"),
        {
            "data": ("diagramData", f"<dgm:dataModel {names}><dgm:ptLst/></dgm:dataModel>"),
            "layout": ("diagramLayout", f"<dgm:layoutDef {names}/>"),
            "style": ("diagramQuickStyle", f"<dgm:styleDef {names}/>"),
            "colors": ("diagramColors", f"<dgm:colorsDef {names}/>"),
        },
    )


def of_wps() -> bytes:
    """As WPS writes: its own namespace and properties, and a custom part with its version."""
    names = 'xmlns:wpsCustomData="http://www.wps.cn/officeDocument/2013/wpsCustomData"'
    return docx(
        '<w:p><w:pPr><w:rPr><w:rFonts w:hint="eastAsia"/></w:rPr></w:pPr><w:r>'
        '<w:rPr><w:rFonts w:hint="eastAsia"/></w:rPr><w:t>推荐材料</w:t></w:r></w:p>',
        {
            "docProps/custom.xml": '<Properties xmlns="http://schemas.openxmlformats.org/'
            'officeDocument/2006/custom-properties"><property name="KSOProductBuildVer"/>'
            "</Properties>",
            "customXml/item1.xml": f"<s:customData {names} xmlns:s="
            '"http://www.wps.cn/officeDocument/2013/wpsCustomData"/>',
        },
    )


def rich_text(inside: str = "") -> bytes:
    """Rich text as Word and WordPad write it, with Chinese in the code page of its head."""
    words = "".join(f"\\'{byte:02x}" for byte in "获奖证书复印件".encode("gbk"))
    return (
        "{\\rtf1\\ansi\\ansicpg936\\deff0{\\fonttbl{\\f0\\fnil\\fcharset134 SimSun;}}"
        "{\\*\\generator Msftedit 5.41;}{\\info{\\author Li}}"
        f"\\pard\\f0\\fs24 {words}\\par{inside}\n}}"
    ).encode("ascii")


WORD: dict[str, Callable[[], bytes]] = {
    "footnotes.docx": footnoted,
    "SmartArt.docx": diagram,
    "of WPS.docx": of_wps,
    "rich text.rtf": rich_text,
    "rich text called Word.doc": rich_text,
    "rich text with page numbers.doc": lambda: rich_text(
        "{\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}"
        '{\\field{\\*\\fldinst HYPERLINK "https://example.org/"}{\\fldrslt x}}'
    ),
    "rich text with a table.doc": lambda: rich_text(
        "\\trowd\\cellx4000\\cellx8000\\intbl a\\cell b\\cell\\row\\pard"
    ),
}

# Pictures


def tiff_pages(**options: Any) -> bytes:
    return saved(
        halves(1240, 1754), "TIFF", save_all=True, append_images=[halves(1240, 1754)] * 2, **options
    )


def phone_pair() -> bytes:
    """A photo and its preview in one file, as phones write (MPO), with a film behind."""
    return saved(halves(900, 1200), "MPO", save_all=True, append_images=[halves(90, 120)]) + (
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 999
    )


def heic_burst() -> bytes:
    return saved(
        halves(900, 1200), "HEIF", save_all=True, append_images=[halves(900, 1200)], quality=40
    )


P = halves(900, 1200)
PICTURES: dict[str, Callable[[], bytes]] = {
    "CMYK progressive.jpg": lambda: saved(P.convert("CMYK"), "JPEG", progressive=True),
    "trailing preview.jpg": lambda: saved(P, "JPEG") + jpeg(160, 120),
    "photo with a film.jpg": phone_pair,
    "see-through palette.png": lambda: saved(P.quantize(16), "PNG", transparency=3),
    "16 bits grey.png": lambda: saved(P.convert("L").convert("I;16"), "PNG"),
    "interlaced look.gif": lambda: saved(P.quantize(32), "GIF", interlace=1),
    "LZW pages.tif": lambda: tiff_pages(compression="tiff_lzw"),
    "packed pages.tif": lambda: tiff_pages(compression="packbits"),
    "palette pages.tif": lambda: saved(P.quantize(16), "TIFF"),
    "burst.heic": heic_burst,
    "film.webp": lambda: saved(P, "WEBP", save_all=True, append_images=[P.rotate(180)]),
    "100 million pixels.jpg": lambda: saved(Image.new("RGB", (11600, 8700), "white"), "JPEG"),
}
PICTURES = {name: cache(make) for name, make in PICTURES.items()}
SAMPLES = [
    *(Sample(f"{name}.pdf", make) for name, make in PDFS.items()),
    *(Sample(name, make) for name, make in WORD.items()),
    *(Sample(f"page {name}", make) for name, make in PICTURES.items()),
    *(
        Sample(f"photo {name}", make, "photo")
        for name, make in PICTURES.items()
        if ".tif" not in name
    ),
    *(
        Sample(f"page turned {orientation}.jpg", partial(turned, orientation))
        for orientation in range(1, 9)
    ),
    Sample("stamped letter page.pdf", letter_pages, "scan"),
    Sample("stamped page of a copier.pdf", jbig2, "scan"),
]

"""Word files as Word, WPS, Word for Mac, LibreOffice and small programs write them, made for tests
part by part."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO

import docx as python_docx
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from tests.nomination.files.word_files import (
    DOCUMENT,
    DOCUMENT_RELATIONSHIPS,
    RELATIONSHIPS,
    RELATIONSHIPS_NAMESPACE,
    TYPES,
    WORD,
    document,
    docx,
    packed,
    paragraph,
    parts,
    relationship,
    relationships,
    types,
    word_field,
)
from tests.picture_files import halves, saved

DEEDS = (
    "该同志从事数控加工二十六年，先后解决技术难题四十余项，获国家专利十二项，带徒六十余人。"
    "二〇一九年主持的薄壁件加工工艺改进，使废品率由百分之七降至千分之三。"
)
BEGIN, SEPARATE, END = (
    f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")
)
STRICT = "http://purl.oclc.org/ooxml/"


def field(code: str, result: str) -> str:
    """A field with the result that Word showed last."""
    code = code.replace("&", "&amp;").replace('"', "&quot;")
    return (
        f'<w:p>{BEGIN}<w:r><w:instrText xml:space="preserve"> {code} </w:instrText></w:r>{SEPARATE}'
        f"<w:r><w:t>{result}</w:t></w:r>{END}</w:p>"
    )


def linked(*links: tuple[str, str], external: bool = True) -> dict[str, str | bytes]:
    """The relationships of the document, numbered r1, r2, …"""
    lines = "".join(
        relationship(kind, target, external=external).replace('"r1"', f'"r{number}"')
        for number, (kind, target) in enumerate(links, 1)
    )
    return {DOCUMENT_RELATIONSHIPS: relationships(lines)}


def shown_picture(key: str = "r1", kind: str = "embed") -> str:
    """A picture of 60 by 80 millimetres."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/"
    return (
        f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="{drawing}wordprocessingDrawing">'
        '<wp:extent cx="2160000" cy="2880000"/><wp:docPr id="1" name="1"/>'
        f'<a:graphic xmlns:a="{drawing}main"><a:graphicData uri="{drawing}picture">'
        f'<pic:pic xmlns:pic="{drawing}picture"><pic:nvPicPr><pic:cNvPr id="1" name="1"/>'
        f'<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:{kind}="{key}"/><a:stretch>'
        "<a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm>"
        '<a:off x="0" y="0"/><a:ext cx="2160000" cy="2880000"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )


def with_picture(name: str, content: bytes) -> bytes:
    return docx(
        paragraph(DEEDS) + shown_picture(),
        {f"word/media/{name}": content, **linked(("image", f"media/{name}"), external=False)},
    )


def with_part(name: str, content: str | bytes) -> bytes:
    """A document with a part that no page shows."""
    return docx(paragraph(DEEDS), {name: content})


def repacked(write: Callable[[zipfile.ZipFile, Mapping[str, str | bytes]], None]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive, parts(paragraph(DEEDS)))
    return file.getvalue()


def _stored(archive: zipfile.ZipFile, contents: Mapping[str, str | bytes]) -> None:
    for name, content in contents.items():
        archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_STORED)


def _with_folders(archive: zipfile.ZipFile, contents: Mapping[str, str | bytes]) -> None:
    for folder in ("_rels/", "word/", "word/_rels/", "docProps/"):
        archive.writestr(folder, b"")
    _stored(archive, contents)


def _large_heads(archive: zipfile.ZipFile, contents: Mapping[str, str | bytes]) -> None:
    for name, content in contents.items():
        with archive.open(name, "w", force_zip64=True) as part:
            part.write(content.encode() if isinstance(content, str) else content)


def _with_backslashes(archive: zipfile.ZipFile, contents: Mapping[str, str | bytes]) -> None:
    for name, content in contents.items():
        info = zipfile.ZipInfo(name)
        info.filename = name.replace("/", "\\")
        archive.writestr(info, content)


def _with_extra(archive: zipfile.ZipFile, contents: Mapping[str, str | bytes]) -> None:
    for name, content in contents.items():
        info = zipfile.ZipInfo(name)
        info.extra = struct.pack("<HHLL", 0x5455, 8, 1, 0) + struct.pack("<HH4x", 0xA220, 4)
        archive.writestr(info, content, zipfile.ZIP_DEFLATED)


def _with_comment(archive: zipfile.ZipFile, contents: Mapping[str, str | bytes]) -> None:
    _stored(archive, contents)
    archive.comment = "由系统导出".encode("gbk")


def with_gap() -> bytes:
    """As an editor leaves it that replaces a part in place: the old one stays unlisted."""
    file = BytesIO(docx(paragraph("旧")))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        old = archive.getinfo(DOCUMENT)
        archive.filelist.remove(old)
        del archive.NameToInfo[DOCUMENT]
        archive.writestr(DOCUMENT, document(paragraph(DEEDS)))
    return file.getvalue()


def shouted() -> bytes:
    """Names whose case differs from that of what leads to them."""
    content = parts(paragraph(DEEDS))
    content[RELATIONSHIPS] = relationships(relationship("officeDocument", "/Word/Document.XML"))
    return packed(content)


def strict() -> bytes:
    """ISO 29500 Strict, as Word and LibreOffice save on request."""
    content = parts(paragraph(DEEDS))
    content[DOCUMENT] = (
        document(paragraph(DEEDS))
        .replace("http://schemas.openxmlformats.org/wordprocessingml/2006/", STRICT)
        .replace(STRICT + "main", STRICT + "wordprocessingml/main")
        .replace(RELATIONSHIPS_NAMESPACE, STRICT + "officeDocument/relationships")
    )
    content[RELATIONSHIPS] = (
        relationships()
        .__str__()
        .replace(RELATIONSHIPS_NAMESPACE, STRICT + "officeDocument/relationships")
    )
    return packed(content)


def template() -> bytes:
    """A template (.dotx) that got the other suffix."""
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"
    return docx(paragraph(DEEDS), {TYPES: types(kind)})


def wide() -> bytes:
    """Parts in UTF-16, as some converters write."""
    text = document(paragraph(DEEDS)).replace("UTF-8", "UTF-16")
    return docx(more={DOCUMENT: text.encode("utf-16")})


def marked() -> bytes:
    """Parts in UTF-8 that begin with a byte order mark."""
    return docx(more={DOCUMENT: b"\xef\xbb\xbf" + document(paragraph(DEEDS)).encode()})


def metafile() -> bytes:
    """A small EMF: head and end."""
    size = 108 + 20
    head = struct.pack("<LL4l4l", 1, 108, 0, 0, 99, 99, 0, 0, 999, 999) + b" EMF"
    head += struct.pack(
        "<LLLHHLLLLLLLLLLL", 0x10000, size, 2, 1, 0, 0, 0, 0, 100, 100, 50, 50, 0, 0, 0, 0
    )
    return head.ljust(108, b"\0") + struct.pack("<LLLLL", 14, 20, 0, 16, 20)


def chart() -> bytes:
    """A chart as Word makes it: with its table as a workbook."""
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/"
    body = (
        f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="{drawing}wordprocessingDrawing">'
        '<wp:extent cx="3600000" cy="2160000"/><wp:docPr id="1" name="1"/>'
        f'<a:graphic xmlns:a="{drawing}main"><a:graphicData uri="{drawing}chart">'
        f'<c:chart xmlns:c="{drawing}chart" r:id="r1"/></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r></w:p>"
    )
    space = (
        f'<c:chartSpace xmlns:c="{drawing}chart" xmlns:r="{RELATIONSHIPS_NAMESPACE}"><c:chart>'
        "<c:plotArea><c:barChart><c:barDir val='col'/><c:ser><c:idx val='0'/><c:order val='0'/>"
        "<c:val><c:numRef><c:f>A!$B$2</c:f><c:numCache><c:ptCount val='1'/><c:pt idx='0'>"
        "<c:v>5</c:v></c:pt></c:numCache></c:numRef></c:val></c:ser><c:axId val='1'/>"
        "<c:axId val='2'/></c:barChart></c:plotArea></c:chart>"
        '<c:externalData r:id="r1"><c:autoUpdate val="0"/></c:externalData></c:chartSpace>'
    )
    return docx(
        paragraph(DEEDS) + body,
        {
            **linked(("chart", "charts/chart1.xml"), external=False),
            "word/charts/chart1.xml": space,
            "word/charts/_rels/chart1.xml.rels": relationships(
                relationship("package", "../embeddings/Microsoft_Excel_Sheet1.xlsx")
            ),
            "word/embeddings/Microsoft_Excel_Sheet1.xlsx": packed({"xl/workbook.xml": "<a/>"}),
        },
    )


def with_header_and_footer() -> bytes:
    """As WPS numbers pages: a frame in the footer, with a fallback for older readers."""
    numbers = word_field("PAGE \\* MERGEFORMAT") + word_field("NUMPAGES")
    footer = f'<w:ftr xmlns:w="{WORD}">{numbers.replace("w:t>x<", "w:t>第<")}</w:ftr>'
    body = (
        paragraph(DEEDS)
        + '<w:sectPr><w:footerReference w:type="default" r:id="r1"/>'
        + '<w:headerReference w:type="default" r:id="r2"/><w:pgSz w:w="11906" w:h="16838"/>'
        + '<w:docGrid w:type="lines" w:linePitch="312"/></w:sectPr>'
    )
    return docx(
        body,
        {
            **linked(("footer", "footer1.xml"), ("header", "../NULL"), external=False),
            "word/footer1.xml": footer,
        },
    )


def tracked() -> bytes:
    """Changes that were never accepted."""
    by = 'w:id="1" w:author="a" w:date="2022-06-01T00:00:00Z"'
    return docx(
        f"<w:p><w:ins {by}><w:r><w:t>{DEEDS}</w:t></w:r></w:ins><w:del {by}><w:r>"
        "<w:delText>已删除</w:delText></w:r></w:del><w:r><w:rPr><w:b/>"
        f"<w:rPrChange {by}><w:rPr/></w:rPrChange></w:rPr><w:t>结束</w:t></w:r></w:p>"
    )


def boxed() -> bytes:
    """A text box as Word 2010 writes it, with its likeness for older readers."""
    return docx(
        '<w:p xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r>'
        '<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing/></mc:Choice><mc:Fallback>'
        '<w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml" style="width:100pt;height:50pt" '
        'href="https://example.org/" gfxdata="UEsDBBQ="><v:textbox><w:txbxContent>'
        f"{paragraph('此件与原件相符')}{field('DATE', '2022年6月1日')}</w:txbxContent></v:textbox>"
        "</v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>" + paragraph(DEEDS)
    )


def with_settings(inside: str, **target: str) -> bytes:
    """Settings that lead somewhere on the writer's computer."""
    [(kind, address)] = target.items()
    return docx(
        paragraph(DEEDS),
        {
            **linked(("settings", "settings.xml"), external=False),
            "word/settings.xml": f'<w:settings xmlns:w="{WORD}" '
            f'xmlns:r="{RELATIONSHIPS_NAMESPACE}">{inside}</w:settings>',
            "word/_rels/settings.xml.rels": relationships(
                relationship(kind, address, external=True)
            ),
        },
    )


# --- python-docx, as small programs and reporting systems use it ---


def programmed(change: Callable[[python_docx.document.Document], None]) -> bytes:
    made = python_docx.Document()
    change(made)
    file = BytesIO()
    made.save(file)
    return file.getvalue()


def official(made: python_docx.document.Document) -> None:
    """Fonts and spacing of an official paper (GB/T 9704)."""
    for text, font, size in (
        ("关于推荐最美巴渝工匠人选的报告", "方正小标宋简体", 22),
        ("一、基本情况", "黑体", 16),
        ("（一）工作经历", "楷体_GB2312", 16),
        (DEEDS * 6, "仿宋_GB2312", 16),
    ):
        line = made.add_paragraph()
        run = line.add_run(text)
        run.font.size = Pt(size)
        run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
        line.paragraph_format.line_spacing = Pt(28)


def _tables(made: python_docx.document.Document) -> None:
    grid = made.add_table(rows=8, cols=4, style="Table Grid")
    grid.cell(0, 0).merge(grid.cell(0, 3)).text = "获奖情况"
    grid.cell(1, 0).add_table(rows=2, cols=2).cell(0, 0).text = "表中表"


def _pictures(made: python_docx.document.Document) -> None:
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF"):
        made.add_picture(BytesIO(saved(halves(), kind)), width=Mm(60))


def _ten_pages(made: python_docx.document.Document) -> None:
    for number in range(10):
        line = made.add_paragraph(f"第{number + 1}页")
        if number < 9:
            line.add_run().add_break(WD_BREAK.PAGE)


def _landscape(made: python_docx.document.Document) -> None:
    section = made.add_section()
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    made.add_paragraph(DEEDS)


def _lists(made: python_docx.document.Document) -> None:
    made.add_heading("主要事迹", 1)
    for style in ("List Bullet", "List Number", "Intense Quote"):
        made.add_paragraph(DEEDS, style=style)


def _commented(made: python_docx.document.Document) -> None:
    line = made.add_paragraph(DEEDS)
    made.add_comment(line.runs, text="请核对", author="a", initials="a")


def _numbered(made: python_docx.document.Document) -> None:
    made.sections[0].header.paragraphs[0].text = "推荐材料"
    line = made.sections[0].footer.paragraphs[0]
    simple = OxmlElement("w:fldSimple")
    simple.set(qn("w:instr"), "PAGE")
    line._p.append(simple)
    made.add_paragraph(DEEDS)


PROGRAMMED: dict[str, Callable[[python_docx.document.Document], None]] = {
    "official paper": official,
    "tables": _tables,
    "pictures": _pictures,
    "ten pages": _ten_pages,
    "landscape": _landscape,
    "lists": _lists,
    "comments": _commented,
    "page numbers": _numbered,
}

"""Word files as people send them, from different writers: all are accepted.

Nothing here is a file of others: each is made as its writer makes it.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import cache, partial
from itertools import cycle
from typing import NamedTuple

from tests.nomination.files.libreoffice_files import resaved
from tests.nomination.files.word_files import (
    document,
    docx,
    paragraph,
    parts,
    streamed,
    table,
    word_field,
)
from tests.nomination.files.word_makers import (
    BEGIN,
    DEEDS,
    END,
    PROGRAMMED,
    SEPARATE,
    _large_heads,
    _stored,
    _with_backslashes,
    _with_comment,
    _with_extra,
    _with_folders,
    boxed,
    chart,
    field,
    linked,
    marked,
    metafile,
    programmed,
    repacked,
    shouted,
    shown_picture,
    strict,
    template,
    tracked,
    wide,
    with_gap,
    with_header_and_footer,
    with_part,
    with_picture,
    with_settings,
)
from tests.picture_files import halves, jpeg, saved


class Sample(NamedTuple):
    """A file by the name it comes by; `make` returns its content."""

    name: str
    make: Callable[[], bytes]


TEXT_FIELDS = (
    'DOCPROPERTY "Title" \\* MERGEFORMAT',
    "MERGEFIELD 姓名",
    "MACROBUTTON NoMacro 在此填写",
    'INCLUDEPICTURE "C:\\\\Temp\\\\msohtmlclip1\\\\01\\\\clip_image001.png" \\* MERGEFORMATINET',
    'INCLUDEPICTURE "/var/folders/1x/T/com.microsoft.Word/WebArchiveCopyPasteTempFiles/a.png"',
    "ADDIN EN.CITE",
    "QUOTE 2022年6月1日",
    "USERNAME",
    'ASK 姓名 "请输入姓名"',
    'FILLIN "请输入"',
    'IF "男" = "男" "先生" "女士"',
    'DATE \\@ "yyyy年M月d日"',
    "= SUM(ABOVE)",
    "REF _Ref1 \\h",
    "STYLEREF 标题",
    'HYPERLINK "tel:023-88888888"',
    'HYPERLINK "mailto:office@example.org"',
    'HYPERLINK "https://example.org/" \\o "说明"',
    'HYPERLINK "附件1.docx"',
    'HYPERLINK \\l "_Toc1"',
    "AUTOTEXT 页码",
    "GOTOBUTTON 页首",
    "BARCODE x",
    "DOCVARIABLE x",
    "SET 甲 乙",
)
LOCAL_PICTURES = (
    "file:///C:\\Users\\a\\AppData\\Roaming\\Tencent\\Users\\1\\QQ\\WinTemp\\RichOle\\a.png",
    "file:////private/var/folders/1x/T/com.tencent.xinWeChat/a.png",
    "C:\\Documents and Settings\\Administrator\\桌面\\证书.jpg",
    "NULL",
    "cid:image001.png@01D87A",
    "webkit-fake-url://0A1B/a.png",
    "../../../a.png",
)
LINKS = (
    "tel:02388888888",
    "mailto:office@example.org",
    "https://www.example.org/%E5%B7%A5%E5%8C%A0?a=1&amp;b=2",
    "file:///D:\\资料\\附件2.doc",
    "附件3.xlsx",
    "#_Toc1",
    "www.example.org",
)
UNSHOWN_PARTS: dict[str, str | bytes] = {
    "[trash]/0000.dat": b"\xff" * 300,
    "word/printerSettings/printerSettings1.bin": "HP LaserJet".encode("utf-16-le") + b"\0" * 99,
    ".DS_Store": b"\0\0\0\x01Bud1",
    "__MACOSX/word/._document.xml": b"\0\x05\x16\x07",
    "word/media/Thumbs.db": b"\xd0\xcf\x11\xe0" + b"\0" * 99,
    "docProps/thumbnail.jpeg": jpeg(),
    "docProps/thumbnail.wmf": b"\xd7\xcd\xc6\x9a" + b"\0" * 99,
    "_xmlsignatures/sig1.xml": "<Signature/>",
    "_xmlsignatures/origin.sigs": b"",
    "customXml/item1.xml": "<b:Sources xmlns:b='b'/>",
    "word/people.xml": "<w15:people xmlns:w15='w15'/>",
    "word/glossary/document.xml": document(),
    "word/commentsExtended.xml": "<w15:commentsEx xmlns:w15='w15'/>",
    "word/webSettings.xml": "<w:webSettings xmlns:w='w'/>",
    "word/fonts/font1.odttf": b"MZ" + b"\x07" * 99,
    "docMetadata/LabelInfo.xml": "<clbl:labelList xmlns:clbl='c'/>",
    "word/media/image1.pdf": b"%PDF-1.4\n",
    "word/media/image2.wdp": b"II\xbc\x01" + b"\0" * 50,
    "mimetype": "application/vnd.openxmlformats-officedocument",
}
PARTS_BY_HAND: dict[str, Callable[[], bytes]] = {
    "strict": strict,
    "template": template,
    "utf-16": wide,
    "byte order mark": marked,
    "other case": shouted,
    "chart": chart,
    "page numbers of WPS": with_header_and_footer,
    "tracked changes": tracked,
    "text box": boxed,
    "local template": lambda: with_settings(
        '<w:attachedTemplate r:id="r1"/>', attachedTemplate="file:///C:\\a\\Normal.dotm"
    ),
    "mail merge": lambda: with_settings(
        '<w:mailMerge><w:dataSource r:id="r1"/></w:mailMerge>', mailMergeSource="名单.xlsx"
    ),
    "metafile": lambda: with_picture("image1.emf", metafile()),
    "packed metafile": lambda: with_picture("image1.emz", gzip.compress(metafile())),
    "phone photo": lambda: with_picture("image1.jpeg", jpeg(3000, 4000)),
    "picture of another suffix": lambda: with_picture("image1.tmp", saved(halves(), "PNG")),
    "drawing and its likeness": lambda: docx(
        shown_picture(),
        {
            "word/media/a.png": saved(halves(), "PNG"),
            "word/media/a.svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>',
            **linked(("image", "media/a.png"), ("image", "media/a.svg"), external=False),
        },
    ),
    "form fields": lambda: docx(
        f'<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:name w:val="a"/><w:entryMacro '
        'w:val="Los"/><w:checkBox><w:default w:val="1"/></w:checkBox></w:ffData></w:fldChar></w:r>'
        f"<w:r><w:instrText>FORMCHECKBOX</w:instrText></w:r>{END}</w:p>" + paragraph(DEEDS)
    ),
    "characters one over another": lambda: docx(word_field("EQ \\o(○,印)") + paragraph(DEEDS)),
    "table of contents": lambda: docx(
        f'<w:p>{BEGIN}<w:r><w:instrText>TOC \\o "1-3" \\h</w:instrText></w:r>{SEPARATE}'
        f'<w:hyperlink w:anchor="_Toc1"><w:r><w:t>一、概况</w:t></w:r>{BEGIN}<w:r><w:instrText>'
        f"PAGEREF _Toc1 \\h</w:instrText></w:r>{SEPARATE}<w:r><w:t>1</w:t></w:r>{END}"
        f"</w:hyperlink></w:p><w:p>{END}</w:p>" + paragraph(DEEDS)
    ),
    "field inside a field": lambda: docx(
        f"<w:p>{BEGIN}<w:r><w:instrText>IF </w:instrText></w:r>{BEGIN}<w:r><w:instrText>"
        f"MERGEFIELD 性别</w:instrText></w:r>{SEPARATE}<w:r><w:t>男</w:t></w:r>{END}<w:r>"
        f'<w:instrText> = "男" "他"</w:instrText></w:r>{SEPARATE}<w:r><w:t>他</w:t></w:r>{END}'
        + "</w:p>"
        + paragraph(DEEDS)
    ),
    "field that never ends": lambda: docx(
        f"<w:p>{BEGIN}<w:r><w:instrText>PAGE</w:instrText></w:r></w:p>" + paragraph(DEEDS)
    ),
    "formula": lambda: docx(
        '<w:p><m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">'
        "<m:r><m:t>a=b</m:t></m:r></m:oMath></w:p>" + paragraph(DEEDS)
    ),
    "bound control": lambda: docx(
        '<w:sdt><w:sdtPr><w:dataBinding w:xpath="/a" w:storeItemID="{0}"/></w:sdtPr><w:sdtContent>'
        f"{paragraph(DEEDS)}</w:sdtContent></w:sdt>"
    ),
    "table of Google Docs": lambda: docx(table(6, paragraph("一"), paragraph("二"))),
    "data descriptors": lambda: streamed(parts(paragraph(DEEDS))),
    "stored": lambda: repacked(_stored),
    "folders": lambda: repacked(_with_folders),
    "ZIP64": lambda: repacked(_large_heads),
    "backslashes": lambda: repacked(_with_backslashes),
    "extra fields": lambda: repacked(_with_extra),
    "comment": lambda: repacked(_with_comment),
    "zeros behind": lambda: docx(paragraph(DEEDS)) + b"\0" * 4096,
    "line behind": lambda: docx(paragraph(DEEDS)) + b"\r\n",
    "gap": with_gap,
    "Chinese name of a picture": lambda: with_picture("图片1.png", saved(halves(), "PNG")),
    "link target in capitals": lambda: docx(
        shown_picture(),
        {
            "word/media/image1.png": saved(halves(), "PNG"),
            **linked(("image", "/word/Media/Image1.PNG"), external=False),
        },
    ),
}


@cache
def by_libreoffice(suffix: str) -> Mapping[str, bytes]:
    """The programmed files as LibreOffice saves them: in the old format (doc), or the new one."""
    originals = {name.replace(" ", "-"): programmed(it) for name, it in PROGRAMMED.items()}
    return resaved(originals, suffix)


def _saved_by_libreoffice(name: str) -> bytes:
    return by_libreoffice(name.rpartition(".")[2])[name]


def _with_field(code: str) -> bytes:
    return docx(field(code, "结果") + paragraph(DEEDS))


def _with_local_picture(target: str) -> bytes:
    return docx(shown_picture(kind="link") + paragraph(DEEDS), linked(("image", target)))


def _with_link(target: str) -> bytes:
    return docx(
        f'<w:p><w:hyperlink r:id="r1"><w:r><w:t>{DEEDS}</w:t></w:r></w:hyperlink></w:p>',
        linked(("hyperlink", target)),
    )


STEMS = [name.replace(" ", "-") for name in PROGRAMMED]


SAMPLES: list[Sample] = [
    *(
        Sample(f"{kind}-{number}.docx", partial(make, address))
        for kind, make, addresses in (
            ("field", _with_field, TEXT_FIELDS),
            ("local-picture", _with_local_picture, LOCAL_PICTURES),
            ("link", _with_link, LINKS),
        )
        for number, address in enumerate(addresses)
    ),
    *(
        Sample(f"part-{number}.docx", partial(with_part, name, content))
        for number, (name, content) in enumerate(UNSHOWN_PARTS.items())
    ),
    *(Sample(f"{name.replace(' ', '-')}.docx", make) for name, make in PARTS_BY_HAND.items()),
    *(
        Sample(f"{stem}-2.docx", partial(programmed, change))
        for stem, change in zip(STEMS, PROGRAMMED.values(), strict=True)
    ),
    *(
        Sample(f"{stem}.{suffix}", partial(_saved_by_libreoffice, f"{stem}.doc"))
        for stem, suffix in zip(STEMS, cycle(("doc", "wps")), strict=False)
    ),
    *(
        Sample(f"{stem}-libreoffice.docx", partial(_saved_by_libreoffice, f"{stem}.docx"))
        for stem in STEMS
    ),
]
"""Of different writers, all honest and of at most ten pages."""

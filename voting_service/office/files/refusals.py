"""Why a file is not taken, in both languages. A reason says what to do, and never the file's
name: names of files hold names of people, and reasons are logged."""

from __future__ import annotations

from enum import Enum

from voting_service.errors import Fault, InvalidInput


class Reason(Enum):
    """(English after the field's name, Chinese as a sentence); braces are filled by details."""

    EMPTY = ("the file is empty; choose it again", "文件是空的，请重新选择。")
    TOO_LARGE = (
        "the file is larger than {limit} MiB; scan it in fewer dots or in grey",
        "文件超过 {limit} MB，请降低扫描分辨率或改用灰度扫描后再上传。",
    )
    BAD_NAME = (
        "the file's name has characters that hide what it is, or is too long; rename it",
        "文件名含有会掩盖真实类型的字符或过长，请改名后再上传。",
    )
    OTHER_KIND = (
        "only one PDF or Word file (.pdf, .docx) is taken",
        "只接受一个 PDF 或 Word 文件（.pdf、.docx）。",
    )
    OTHER_SCAN = (
        "only a PDF or a picture (JPEG, PNG, WebP, AVIF) of the stamped page is taken",
        "盖章页扫描件只接受 PDF 或图片（JPEG、PNG、WebP、AVIF）。",
    )
    LEGACY_WORD = (
        "this is a Word file of the old kind (.doc); open it in Word or WPS and save it as PDF "
        "or .docx",
        "这是旧版 Word 文件（.doc），请用 Word 或 WPS 打开，另存为 PDF 或 .docx 后再上传。",
    )
    DISGUISED = (
        "what is in the file is not what its name says, or not that alone; save it again from "
        "the program that made it",
        "文件内容与扩展名不符，或夹带了其他文件，请用原来的软件重新保存后再上传。",
    )
    BROKEN = (
        "the file is damaged or cut short; open it, and save or print it as PDF again",
        "文件已损坏或不完整，请打开后重新保存，或重新打印为 PDF 再上传。",
    )
    ENCRYPTED = (
        "the file is encrypted or protected by a password; remove it and upload the file again",
        "文件已加密或设有密码，请取消加密后再上传。",
    )
    ACTIVE = (
        "the PDF holds something that acts by itself ({what}); print it to a new PDF",
        "PDF 中含有会自动执行的内容（{what}），请重新打印为 PDF 后再上传。",
    )
    EMBEDDED = (
        "another file is embedded in this one ({what}); put it in as pages or a picture",
        "文件中嵌有其他文件（{what}），请改为页面或图片后再上传。",
    )
    EXTERNAL = (
        "the file refers to something outside itself ({what}); save it as PDF and upload that",
        "文件引用了外部内容（{what}），请另存为 PDF 后再上传。",
    )
    MACROS = (
        "the file carries macros or controls; save it as PDF or as .docx without macros",
        "文件含有宏或控件，请另存为 PDF 或不含宏的 .docx 后再上传。",
    )
    FIELD = (
        "the Word file has a field that fetches or runs something ({what}); turn it into text, "
        "or save the file as PDF",
        "Word 文件含有会读取或执行外部内容的域（{what}），请转换为文本，或另存为 PDF 后再上传。",
    )
    ENTITIES = (
        "the Word file's XML declares a document type or entities, which Word never does; save "
        "it again in Word or WPS",
        "Word 文件的 XML 中含有文档类型或实体声明，正常的 Word 文件不会如此，"
        "请用 Word 或 WPS 重新保存。",
    )
    BOMB = (
        "unpacked, the file would be far larger than it can honestly be; save or print it as "
        "PDF again",
        "文件解压后异常庞大，请重新保存，或重新打印为 PDF 后再上传。",
    )
    ARCHIVE = (
        "the Word file is packed in a way that Word does not use ({what}); save it again in Word "
        "or WPS",
        "Word 文件的打包方式异常（{what}），请用 Word 或 WPS 重新保存。",
    )
    NO_PAGES = ("the file has no pages", "文件没有任何页面。")
    TOO_MANY_PAGES = (
        "the PDF has more than {limit} pages; leave out what is not needed",
        "PDF 超过 {limit} 页，请删减后再上传。",
    )
    TOO_LONG = (
        "set on A4, the Word file comes to more than {limit} pages; shorten it, or save it as "
        "PDF, whose pages are counted exactly",
        "Word 文件按 A4 排版超过 {limit} 页，请删减；或另存为 PDF，PDF 按实际页数计算。",
    )
    FALSE_COUNT = (
        "the PDF says it has {said} pages but has another number; print it to a new PDF",
        "PDF 自称有 {said} 页，与实际页数不符，请重新打印为 PDF。",
    )
    ODD_PAGE = (
        "page {page} of the PDF is no page of paper: too large, too small, or a long strip; cut "
        "it into pages of A4",
        "PDF 第 {page} 页的尺寸不是正常纸张（过大、过小或过长），请按 A4 分页后再上传。",
    )
    PICTURE = ("the picture {said}", "{said_zh}")
    NOT_TWO_INCH = (
        "the photo is {width} × {height} pixels; a two-inch photo is 35 mm wide and 49 mm high "
        "(5 : 7): crop it to that form",
        "照片为 {width}×{height} 像素，不符合二寸照片比例（宽 35 毫米、高 49 毫米，即 5:7），"
        "请裁剪后再上传。",
    )
    PHOTO_TOO_SMALL = (
        "the photo is {width} × {height} pixels; at least {min_width} × {min_height} are needed "
        "(35 × 49 mm at 300 dots an inch)",
        "照片为 {width}×{height} 像素，至少需要 {min_width}×{min_height} 像素"
        "（35×49 毫米，300 dpi）。",
    )
    SCAN_TOO_SMALL = (
        "the picture is {width} × {height} pixels; the shorter side needs {limit} for the stamp "
        "to be read",
        "图片为 {width}×{height} 像素，短边至少需要 {limit} 像素，否则印章无法辨认。",
    )
    NOT_EXAMINED = (
        "this file could not be examined: it takes too much time or memory; open it, and save "
        "or print it as PDF again",
        "此文件无法检查（耗时或占用内存过多），请打开后重新保存，或重新打印为 PDF 再上传。",
    )


Detail = str | int


class FileRefused(InvalidInput):
    """A file is not taken; `reason` and `details` say why, `field` of the fault which file."""

    def __init__(self, reason: Reason, field: str = "", /, **details: Detail) -> None:
        message, zh = (text.format_map(details) for text in reason.value)
        super().__init__(Fault(field, message, zh=zh))
        self.zh = zh
        self.reason = reason
        self.details = details

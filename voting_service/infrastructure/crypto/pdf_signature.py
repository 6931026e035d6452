"""The signature itself, by the library whose import takes half a second."""

from __future__ import annotations

from io import BytesIO
from tempfile import NamedTemporaryFile

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, InnerScaling, SimpleBoxLayoutRule
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, VisibleSigSettings
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.stamp import StaticStampStyle

from voting_service.infrastructure.crypto.signature_place import SignaturePlace

FIELD = "Signature"


def add_signature(pdf: bytes, bundle: bytes, place: SignaturePlace) -> bytes:
    """Return the PDF with a visible signature by the key and certificates of a PKCS #12 bundle."""
    with NamedTemporaryFile(suffix=".pdf") as appearance:
        appearance.write(place.appearance)
        appearance.flush()
        stamp = StaticStampStyle.from_pdf_file(
            appearance.name,
            border_width=0,
            background_opacity=1.0,
            background_layout=SimpleBoxLayoutRule(
                AxisAlignment.ALIGN_MID,
                AxisAlignment.ALIGN_MID,
                inner_content_scaling=InnerScaling.STRETCH_FILL,
            ),
        )
        writer = PdfSigner(
            PdfSignatureMetadata(
                field_name=FIELD, subfilter=SigSeedSubFilter.PADES, md_algorithm="sha256"
            ),
            SimpleSigner.load_pkcs12_data(bundle, other_certs=set()),
            stamp_style=stamp,
            new_field_spec=SigFieldSpec(
                FIELD,
                on_page=place.page,
                box=place.box,
                visible_sig_settings=VisibleSigSettings(print_signature=place.printed),
            ),
        )
        signed: bytes = writer.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf))).getvalue()
    return signed

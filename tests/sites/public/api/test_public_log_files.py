"""The public log over HTTP: its files, and the durable receipt of a ballot."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec

from tests.contest_data import SLUG
from tests.sites.public.api.running_service import CONTEST, ORIGIN, running_service
from tests.voting.public_log.sequenced import LOG_KEY, cast, stored
from voting_service.jobs.public_log import LogKeeper, LogOptions
from voting_service.settings import Settings
from voting_service.voting.completeness import load_completeness
from voting_service.voting.public_log.receipt_proof import ReceiptProof, verify_receipt
from voting_service.voting.public_log.sequencer import LogIdentity

NO_STORE = "no-cache"
LASTING = "public, max-age=31536000, immutable"


async def test_the_log_is_served_and_proves_each_ballot(settings: Settings, tmp_path: Path) -> None:
    with_log = settings.model_copy(update={"log_folder": tmp_path / "log"})
    async with running_service(with_log) as service:
        client, database = service.client, service.database
        identity = LogIdentity("vote.example", LOG_KEY)
        master_key = settings.master_key.get_secret_value()
        options = LogOptions(identity, (), tmp_path / "log", master_key, timedelta())
        await cast(database, service.contest, 150)
        ballots = await stored(database, service.contest)
        early = await client.get(f"{CONTEST}/receipts/{ballots[0].hex()}/proof")
        assert (early.status_code, early.headers["retry-after"]) == (404, "30")
        await LogKeeper(options, load_completeness).keep(database, service.contest)
        key = identity.verifier(SLUG)
        for ballot in ballots[::15]:
            answer = await client.get(f"{CONTEST}/receipts/{ballot.hex()}/proof")
            assert answer.status_code == 200
            assert len(answer.content) <= 2048
            proof = msgspec.json.decode(answer.content, type=ReceiptProof)
            assert verify_receipt(proof, key).bundle.ballots == 150
        for other in ("0" * 32, "x", ballots[0].hex().upper()):
            answer = await client.get(f"{CONTEST}/receipts/{other}/proof")
            assert (answer.status_code, answer.headers["retry-after"]) == (404, "30")
        caching = {
            "checkpoint": NO_STORE,
            "key": NO_STORE,
            "tile/0/000.p/2": LASTING,
            "tile/entries/000.p/2": LASTING,
            "bundles/1": LASTING,
        }
        for path, cached in caching.items():
            file = await client.get(f"/log/{SLUG}/{path}")
            assert file.content == (tmp_path / "log" / SLUG / path).read_bytes()
            assert file.headers["cache-control"] == cached
            assert file.headers["access-control-allow-origin"] == "*"
        registered = await client.get(f"/log/{SLUG}/key", headers={"origin": ORIGIN})
        assert registered.headers.get_list("access-control-allow-origin") == [ORIGIN]
        missing = ("bundles/2", "tile/0/001", "../../signing.pem", "..%2f..%2fsigning.pem", "")
        for path in (*(f"/log/{SLUG}/{name}" for name in missing), "/log/none/key"):
            assert (await client.get(path)).status_code == 404


async def test_without_a_folder_there_is_no_log(settings: Settings) -> None:
    async with running_service(settings) as service:
        assert (await service.client.get(f"/log/{SLUG}/checkpoint")).status_code == 404
        assert (await service.client.get(f"{CONTEST}/receipts/{'0' * 32}/proof")).status_code == 404

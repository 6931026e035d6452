-- name: limit
-- How long one statement of an export may take; ends with the transaction.
select set_config('statement_timeout', $1, true);

-- name: platforms
-- Every platform, by its name in the ballots.
select slug, name from platforms order by slug;

-- name: holds
-- Every set of ballots that was put in question.
select id, kind, source, label, evidence, ballots, ballots_hash, created_at
  from holds
 where contest_id = $1
 order by id;

-- name: rulings
-- What was ruled, in the order in which it took effect.
select approval_id as decision_id, hold_id, turn, verdict, ruled_at
  from rulings
 where contest_id = $1
 order by ruled_at, approval_id;

-- name: withdrawals
-- Who withdrew, in the order in which it took effect.
select approval_id as decision_id, number, ground, reason, withdrawn_at
  from withdrawals
 where contest_id = $1
 order by withdrawn_at, number;

-- name: publications
-- Every version with its signed bytes.
select version, approval_id as decision_id, published_at, visible_from,
       encode(sha256(document), 'hex') as document_sha256, document
  from publications
 where contest_id = $1
 order by version;

-- name: hold_ballots
-- Lines of hold_ballots.csv, in the order of voting/replay/archive.py.
select encode(ballot_id, 'hex') || ',' || hold_id as line
  from hold_ballots
 where contest_id = $1
 order by ballot_id, hold_id;

-- name: ballots
-- Lines of ballots.csv, in the order of voting/replay/archive.py; no field needs quotes.
select concat_ws(',',
           encode(b.ballot_id, 'hex'),
           to_char(b.cast_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           b.period,
           coalesce(p.slug, b.platform_id::text),
           case b.disposition when 1 then 'held' else 'counted' end,
           case when b.screened then 'yes' else 'no' end,
           encode(b.voter, 'hex'),
           coalesce(encode(b.network, 'hex'), ''),
           array_to_string(b.choices, '|')) as line
  from ballots b
  left join platforms p on p.id = b.platform_id
 where b.contest_id = $1
 order by b.ballot_id;

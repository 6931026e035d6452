-- name: lock_log
-- The log of a contest as far as it is written; nobody else writes into it before the transaction
-- ends. `is_ours`: the transaction ids in it are of this cluster.
select origin, size, frontier, checkpoint, written_at, rules, is_closed, read_xid, read_ballot,
       is_reread, cluster = current_cluster() and read_xid < pg_snapshot_xmax(pg_current_snapshot())
           as is_ours
  from public_logs
 where contest_id = $1
   for update;

-- name: insert_log
-- The log of a contest, without an entry.
insert into public_logs (contest_id, origin, written_at) values ($1, $2, $3);

-- name: now
-- The time, and the transaction before which all have ended.
select clock_timestamp() as now, pg_snapshot_xmin(pg_current_snapshot()) as floor;

-- name: log_key
-- The wrapped key of a contest's log.
select wrapped_key from contest_keys where contest_id = $1 and purpose = 'log';

-- name: waiting_ballots
-- The next ballots of a contest after $2, $3 in the order in which they were stored, before the
-- transaction $4 (null: all).
select commit_xid, ballot_id, choices, disposition = 1 as held, cast_at
  from ballots
 where contest_id = $1 and commit_xid >= $2 and (commit_xid, ballot_id) > ($2, $3)
   and ($4::xid8 is null or commit_xid < $4)
 order by commit_xid, ballot_id
 limit $5;

-- name: reread_ballots
-- As `waiting_ballots`, without those that are in the log.
select b.commit_xid, b.ballot_id, b.choices, b.disposition = 1 as held, b.cast_at
  from ballots b
 where b.contest_id = $1 and b.commit_xid >= $2 and (b.commit_xid, b.ballot_id) > ($2, $3)
   and ($4::xid8 is null or b.commit_xid < $4)
   and not exists (select from public_log_ballots t
                    where t.contest_id = $1 and t.ballot_id = b.ballot_id)
 order by b.commit_xid, b.ballot_id
 limit $5;

-- name: ballots_of_bundle
-- The ballots with the ids $2.
select ballot_id, choices, disposition = 1 as held
  from ballots
 where contest_id = $1 and ballot_id = any ($2::bytea[]);

-- name: newest_bundle
-- The newest bundle.
select number, ballots from public_log_bundles
 where contest_id = $1
 order by number desc
 limit 1;

-- name: ballot_counts
-- How many bundles count, and their ballots.
select count(*)::integer as bundles, coalesce(sum(length(b.ballots) / 16), 0)::bigint as ballots,
       coalesce(sum(b.held), 0)::bigint as held
  from public_log_bundles b
 where b.contest_id = $1
   and not exists (select from public_log_bundles r
                    where r.contest_id = $1 and r.replaces = b.number);

-- name: count_ballots
-- The ballots of a contest.
select count(*) from ballots where contest_id = $1;

-- name: new_rulings
-- The rulings that are not in the log yet, in the order in which they took effect, with how many
-- ballots each released and voided.
select r.approval_id, r.verdict, h.kind, h.ballots, d.payload ->> 'reason' as reason,
       coalesce(-e.held, 0)::bigint as released, coalesce(e.void, 0)::bigint as voided
  from rulings r
  join holds h on h.id = r.hold_id
  join approval_requests d on d.id = r.approval_id
  left join lateral (select sum(x.held) as held, sum(x.void) as void
                       from ruling_effects x
                      where x.contest_id = r.contest_id and x.approval_id = r.approval_id
                        and x.candidate = 0) e on true
 where r.contest_id = $1
   and not exists (select from public_log_rulings l where l.approval_id = r.approval_id)
 order by r.ruled_at, r.turn, r.approval_id;

-- name: voided_votes
-- By how much a ruling changed the void votes of each candidate.
select candidate, sum(void)::bigint as void
  from ruling_effects
 where contest_id = $1 and approval_id = $2 and candidate > 0
 group by candidate;

-- name: ruling_in_log
-- The newest ruling in the log up to the number $2 (null: of all).
select number, value from public_log_rulings
 where contest_id = $1 and ($2::integer is null or number <= $2)
 order by number desc
 limit 1;

-- name: sources
-- Those of the sources $2 that have an entry.
select source from public_log_entries where contest_id = $1 and source = any ($2::text[]);

-- name: newest_openings
-- The newest openings.
select content from public_log_entries
 where contest_id = $1 and source like 'openings %'
 order by number desc
 limit 1;

-- name: shown_cuts
-- The cuts that are public at $2 and not in the log yet, with the rulings that each covers.
select p.version, p.document, coalesce((d.payload ->> 'rulings')::integer, 0) as rulings
  from publications p
  join approval_requests d on d.id = p.approval_id
 where p.contest_id = $1 and coalesce(p.visible_from, p.published_at) <= $2
   and not exists (select from public_log_entries e
                    where e.contest_id = $1 and e.source = 'cut ' || p.version)
 order by p.version;

-- name: bundles_that_count
-- What the bundles that count commit to.
select b.number, b.value
  from public_log_bundles b
 where b.contest_id = $1
   and not exists (select from public_log_bundles r
                    where r.contest_id = $1 and r.replaces = b.number)
 order by b.number;

-- name: insert_entries
-- Entries from the number $2 on.
insert into public_log_entries (contest_id, number, source, content)
select $1, $2 + e.place - 1, e.source, e.content
  from unnest($3::text[], $4::bytea[]) with ordinality as e (source, content, place);

-- name: insert_bundles
-- Bundles with what they commit to.
insert into public_log_bundles (contest_id, number, entry, replaces, held, ballots, value)
select $1, b.* from unnest($2::integer[], $3::integer[], $4::integer[], $5::integer[],
                           $6::bytea[], $7::bytea[]) as b;

-- name: insert_rulings
-- Rulings with what they commit to.
insert into public_log_rulings (contest_id, number, approval_id, value)
select $1, r.* from unnest($2::integer[], $3::integer[], $4::bytea[]) as r;

-- name: insert_documents
-- Documents by their hash; one that came before stays.
insert into public_log_documents (contest_id, hash, content)
select $1, d.* from unnest($2::text[], $3::bytea[]) as d
on conflict do nothing;

-- name: move_log
-- Sets the state of the log.
update public_logs
   set size = $2, frontier = $3, checkpoint = $4, written_at = $5, rules = $6, is_closed = $7,
       read_xid = $8, read_ballot = $9, is_reread = $10, cluster = current_cluster()
 where contest_id = $1;

-- name: log_size
-- How many entries a log has.
select size from public_logs where contest_id = $1;

-- name: written_log
-- The newest checkpoint, and the entries from $2 on, oldest first.
select l.size, l.checkpoint,
       (select array_agg(e.content order by e.number)
          from public_log_entries e
         where e.contest_id = $1 and e.number >= $2 and e.number < l.size) as entries
  from public_logs l
 where l.contest_id = $1;

-- name: bundle_ballots
-- The ballots of bundles.
select number, ballots from public_log_bundles
 where contest_id = $1 and number = any ($2::integer[]);

-- name: documents
-- Documents by their hash.
select hash, content from public_log_documents
 where contest_id = $1 and hash = any ($2::text[]);

-- name: bundles_of_ballot
-- The bundles that have a ballot, the newest first, with the entries that announce them.
select b.number as bundle, b.entry
  from public_log_ballots t
  join public_log_bundles b
    on b.contest_id = $1 and (b.number = t.bundle or b.replaces = t.bundle)
 where t.contest_id = $1 and t.ballot_id = $2
 order by b.number desc;

-- name: closes_at
-- When a contest closes.
select closes_at from contests where id = $1;

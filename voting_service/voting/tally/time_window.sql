-- name: window
-- Ballots from one id to another, of a platform, a network and a candidate where these are given,
-- in the state they are in now: in all (every key null), by platform, by minute, by candidate,
-- and by the networks that cast most of them ($7 at most). `kind` says by what. What rulings
-- changed is added to what was cast, by the ids of the ballots that were ruled on: no plan can
-- compare every ballot with every one of those.
with ruled as materialized (
    select m.ballot_id, bool_or(r.verdict = 'void') as void
      from rulings_in_force r
      join hold_ballots m on m.hold_id = r.hold_id
     where r.contest_id = $1 and m.ballot_id >= $2 and m.ballot_id < $3
     group by m.ballot_id
), parts as (
    select b.platform_id, b.network, b.choices, b.cast_at, 1 as gross,
           (b.disposition = 1)::integer as held, 0 as void
      from ballots b
     where b.contest_id = $1 and b.ballot_id >= $2 and b.ballot_id < $3
    union all
    select b.platform_id, b.network, b.choices, b.cast_at, 0,
           -(b.disposition = 1)::integer, r.void::integer
      from ruled r
      join ballots b on b.contest_id = $1 and b.ballot_id = r.ballot_id
), chosen as materialized (
    select platform_id, network, choices, date_trunc('minute', cast_at) as minute,
           gross, held, void
      from parts
     where ($4::smallint is null or platform_id = $4)
       and ($5::bytea is null or network = $5)
       and ($6::smallint is null or $6 = any(choices))
), busiest as (
    select network, sum(gross) as gross, sum(held) as held, sum(void) as void
      from chosen
     where network is not null
     group by network
     order by sum(gross) desc, network
     limit $7
)
select case when grouping(platform_id) = 0 then 'platform'
            when grouping(minute) = 0 then 'minute'
            else 'all' end as kind,
       platform_id, minute, null::smallint as candidate, null::bytea as network,
       coalesce(sum(gross), 0) as gross, coalesce(sum(held), 0) as held,
       coalesce(sum(void), 0) as void
  from chosen
 group by grouping sets ((), (platform_id), (minute))
union all
select 'candidate', null, null, v.candidate, null, sum(c.gross), sum(c.held), sum(c.void)
  from chosen c, unnest(c.choices) as v (candidate)
 group by v.candidate
union all
select 'network', null, null, null, network, gross, held, void
  from busiest;

-- name: ballots
-- The next ballots from one id to another, with the same conditions and in a state where one is
-- given, oldest first. Only ballots in question may have been ruled on.
select s.ballot_id, s.cast_at, s.period, s.platform_id, s.voter, s.network, s.screened, s.choices,
       s.disposition, s.state
  from (select b.ballot_id, b.cast_at, b.period, b.platform_id, b.voter, b.network, b.screened,
               b.choices, b.disposition,
               case when exists (select from hold_ballots m where m.ballot_id = b.ballot_id)
                    then ballot_state(b.ballot_id, b.disposition)
                    else case b.disposition when 1 then 'held' else 'counted' end
               end as state
          from ballots b
         where b.contest_id = $1 and b.ballot_id > $2 and b.ballot_id < $3
           and ($4::smallint is null or b.platform_id = $4)
           and ($5::bytea is null or b.network = $5)
           and ($6::smallint is null or $6 = any(b.choices))
         order by b.ballot_id) as s
 where $7::text is null or s.state = $7
 limit $8;

-- name: ballot_ids
-- The ids of ballots as in `ballots`, $8 at most.
select b.ballot_id
  from ballots b
 where b.contest_id = $1 and b.ballot_id >= $2 and b.ballot_id < $3
   and ($4::smallint is null or b.platform_id = $4)
   and ($5::bytea is null or b.network = $5)
   and ($6::smallint is null or $6 = any(b.choices))
   and ($7::text is null or $7 = case
            when exists (select from hold_ballots m where m.ballot_id = b.ballot_id)
            then ballot_state(b.ballot_id, b.disposition)
            else case b.disposition when 1 then 'held' else 'counted' end
        end)
 order by b.ballot_id
 limit $8;

-- name: every_ballot
-- All ballots of a contest in the order of their ids, for a cursor: the first rows come at once,
-- and no number of ballots needs more memory. Only ballots in question may have been ruled on.
select b.ballot_id, b.cast_at, b.period, b.platform_id, b.voter, b.network, b.screened, b.choices,
       b.disposition,
       case when exists (select from hold_ballots m where m.ballot_id = b.ballot_id)
            then ballot_state(b.ballot_id, b.disposition)
            else case b.disposition when 1 then 'held' else 'counted' end
       end as state
  from ballots b
 where b.contest_id = $1
 order by b.ballot_id;

-- name: frame
-- The first and last ballot of a hold, and the candidate that most of its ballots name.
select min(b.cast_at) as first_at, max(b.cast_at) as last_at,
       (select c.candidate
          from hold_votes c
         where c.hold_id = $2 and c.candidate > 0
         order by c.held + c.counted desc, c.candidate
         limit 1) as candidate
  from hold_ballots m
  join ballots b on b.contest_id = $1 and b.ballot_id = m.ballot_id
 where m.hold_id = $2;

-- name: values
-- What the ballots of a hold have as attribute $3, most frequent first, $4 values at most.
select v.value, count(*) as ballots
  from hold_ballots m
  join ballots b on b.contest_id = $1 and b.ballot_id = m.ballot_id
 cross join lateral (
       select case $3::text when 'network' then encode(b.network, 'hex')
                            when 'address' then encode(b.address, 'hex')
                            when 'device' then encode(b.device, 'hex')
                            when 'agent' then b.agent_class::text
                            when 'account' then b.account_created::text
                            else b.platform_id::text end as value) as v
 where m.hold_id = $2 and v.value is not null
 group by v.value
 order by ballots desc, v.value
 limit $4;

-- name: cells
-- All ballots from one id to another by step of $6 milliseconds since $5, by platform, by place
-- among the values $8 of attribute $7 (0: another or none), and by whether the hold has them: how
-- many, and how many name the candidate $9.
select floor((extract(epoch from b.cast_at) * 1000 - $5) / $6)::integer as step, b.platform_id,
       coalesce(array_position($8::text[],
           case $7::text when 'network' then encode(b.network, 'hex')
                         when 'address' then encode(b.address, 'hex')
                         when 'device' then encode(b.device, 'hex')
                         when 'agent' then b.agent_class::text
                         when 'account' then b.account_created::text
                         else b.platform_id::text end), 0) as place,
       m.ballot_id is not null as in_hold,
       count(*) as ballots, count(*) filter (where $9 = any(b.choices)) as votes
  from ballots b
  left join hold_ballots m on m.hold_id = $2 and m.ballot_id = b.ballot_id
 where b.contest_id = $1 and b.ballot_id >= $3 and b.ballot_id < $4
 group by step, b.platform_id, place, in_hold;

-- name: insert_alarm
-- Stores an alarm; returns no row if it was stored before.
insert into alarms (contest_id, minute, raised_at, what, candidate, platform_id, network, looks,
                    span_minutes, observed, expected, score, sentence)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict on constraint alarms_once do nothing
returning id;

-- name: alarms
-- The newest alarms of a contest, or of its candidate $4: all ($2 null), those seen ($2 true) or not
-- yet seen.
select a.id, a.minute, a.raised_at, a.what, a.candidate, a.platform_id, a.network, a.looks,
       a.span_minutes, a.observed, a.expected, a.score, a.sentence, s.seen_by, s.seen_at
  from alarms a
  left join alarms_seen s on s.alarm_id = a.id
 where a.contest_id = $1 and ($2::boolean is null or (s.alarm_id is not null) = $2)
   and ($4::smallint is null or a.candidate = $4)
 order by a.id desc
 limit $3;

-- name: raised_since
-- The alarms raised from a minute on.
select minute, what, candidate, platform_id, network
  from alarms
 where contest_id = $1 and minute >= $2
 order by id;

-- name: alarm_exists
-- Whether the contest has the alarm.
select exists (select from alarms where contest_id = $1 and id = $2);

-- name: insert_seen
-- Records who saw an alarm; returns no row if it was recorded before.
insert into alarms_seen (alarm_id, seen_by, seen_at) values ($1, $2, $3)
on conflict (alarm_id) do nothing
returning alarm_id;

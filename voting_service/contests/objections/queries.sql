-- name: insert_objection
-- A new objection, unless its network or all of them together have sent too many in an hour.
insert into online_objections (number, contest_id, notice, sender, content)
select $1, $2, $3, $4, $5
 where (select count(*) < $7 and count(*) filter (where o.sender = $4) < $6
          from online_objections o
         where o.received_at > clock_timestamp() - interval '1 hour')
returning id;

-- name: objection_by_number
-- An objection and its answer, for the holder of its number.
select o.number, o.contest_id, o.notice, o.received_at, a.answer, a.answered_at
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
 where o.number = $1;

-- name: objections
-- The newest objections, those without an answer first; nothing of what was written.
select o.id, o.number, o.contest_id, o.notice, o.received_at, a.answered_at, n.name as answered_by
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
  left join accounts n on n.id = a.answered_by
 order by a.answered_at is not null, o.id desc
 limit $1;

-- name: objection
-- One objection with everything.
select o.id, o.number, o.contest_id, o.notice, o.received_at, o.content, a.answer, a.answered_at,
       n.name as answered_by
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
  left join accounts n on n.id = a.answered_by
 where o.id = $1;

-- name: answer_objection
-- The only answer to an objection.
insert into online_objection_answers (objection_id, answer, answered_by)
values ($1, $2, $3)
on conflict (objection_id) do nothing
returning objection_id;

-- name: unanswered
-- How many objections wait for an answer.
select count(*)
  from online_objections o
 where not exists (select 1 from online_objection_answers a where a.objection_id = o.id);

-- name: encrypted_objections
-- What the master key encrypts, for another master key.
select o.id, o.number, o.content, a.answer
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
 where o.content <> '' or a.answer <> ''
   for update of o;

-- name: replace_content
-- The same content under another master key.
update online_objections set content = $2 where id = $1;

-- name: replace_answer
-- The same answer under another master key.
update online_objection_answers set answer = $2 where objection_id = $1;

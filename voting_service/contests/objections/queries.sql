-- name: insert_objection
-- A new objection, unless its network has sent too many in an hour.
insert into online_objections (number, contest_id, notice, sender, content, attachment)
select $1, $2, $3, $4, $5, $6
 where (select count(*) < $7
          from online_objections o
         where o.sender = $4 and o.received_at > clock_timestamp() - interval '1 hour')
returning id;

-- name: sent_in_an_hour
-- How many objections a network has sent in an hour.
select count(*)
  from online_objections o
 where o.sender = $1 and o.received_at > clock_timestamp() - interval '1 hour';

-- name: objection_by_number
-- An objection and its answer, for the holder of its number.
select o.number, o.contest_id, o.notice, o.received_at, a.answer, a.answered_at
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
 where o.number = $1;

-- name: objections
-- A page of the objections, first those without an answer, the oldest first, then the others, the
-- newest first; nothing of what was written.
select o.id, o.number, o.contest_id, o.notice, o.received_at, a.answered_at, n.name as answered_by
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
  left join accounts n on n.id = a.answered_by
 order by a.answered_at is not null, case when a.answered_at is null then o.id end, o.id desc
 limit $1 offset $2;

-- name: objection
-- One objection with everything.
select o.id, o.number, o.contest_id, o.notice, o.received_at, o.content, a.answer, a.answered_at,
       n.name as answered_by, o.attachment is not null as has_attachment
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
  left join accounts n on n.id = a.answered_by
 where o.id = $1;

-- name: attachment
-- What came with an objection; null without or once erased.
select number, attachment from online_objections where id = $1;

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

-- name: first_cut
-- When the first version of a contest's cut was published; null before.
select min(published_at) from publications where contest_id = $1;

-- name: erase_objections
-- Erases what is kept no longer; returns how many objections lost their content.
select erase_old_objections();

-- name: encrypted_objections
-- What the master key encrypts, for another master key.
select o.id, o.number, o.content, a.answer, o.attachment
  from online_objections o
  left join online_objection_answers a on a.objection_id = o.id
 where o.content <> '' or a.answer <> ''
   for update of o;

-- name: replace_content
-- The same content under another master key.
update online_objections set content = $2 where id = $1;

-- name: replace_attachment
-- The same attachment under another master key.
update online_objections set attachment = $2 where id = $1;

-- name: replace_answer
-- The same answer under another master key.
update online_objection_answers set answer = $2 where objection_id = $1;

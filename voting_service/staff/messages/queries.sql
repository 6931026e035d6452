-- name: insert_messages
-- A message to each of the accounts $3, over each channel on which they have a verified address; what
-- was stored before under the same key is left alone.
insert into messages (key, kind, channel, account_id, recipient, selection_id, language, params,
                      path, created_at)
select $1 || '/' || a.id, $2, c.channel, a.id, a.name, $4, c.language, $5, $6, $7
  from accounts a join account_contacts c on c.account_id = a.id
 where a.id = any($3::integer[]) and not a.disabled and c.verified_at is not null
 order by a.id, c.channel
on conflict do nothing
returning id;

-- name: insert_code_message
-- A message with the code that proves an address; it goes to the unverified one.
insert into messages (key, kind, channel, account_id, recipient, language, params, path, created_at)
select $1, 'code', c.channel, a.id, a.name, c.language, $4, $5, $6
  from accounts a join account_contacts c on c.account_id = a.id
 where a.id = $2 and c.channel = $3
returning id;

-- name: insert_invitation_message
-- A message to somebody without an account; no row where the link was sent there before.
insert into messages (key, kind, channel, recipient, language, params, path, secret, created_at)
values ($1, 'invitation', $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing
returning id;

-- name: accounts_of_roles
-- The enabled accounts that have one of the roles, but for one.
select id from accounts where role = any($1::text[]) and not disabled and id is distinct from $2;

-- name: begin_message
-- Counts an attempt and returns it; no row once the message has an outcome.
update messages set attempts = attempts + 1
 where id = $1 and outcome is null
returning id as job_id, attempts as number, attempts - attempts_before as since_request;

-- name: message
-- A message with where it goes: the address is verified unless the message proves it.
select m.id, m.key, m.kind, m.channel, m.account_id, m.language, m.params, m.path, m.secret,
       w.wording, c.content as contact
  from messages m
  left join message_wordings w on w.selection_id = m.selection_id and w.kind = m.kind
  left join (account_contacts c join accounts a on a.id = c.account_id and not a.disabled)
         on c.account_id = m.account_id and c.channel = m.channel
        and (c.verified_at is not null or m.kind = 'code')
 where m.id = $1;

-- name: note_failure
-- Why the newest attempt failed; the message is tried again.
update messages set failure = $3 where id = $1 and attempts = $2 and outcome is null;

-- name: finish_message
-- What became of a message, once; its secret is needed no longer, unless it can be sent again.
update messages
   set outcome = $3, finished_at = $4, failure = coalesce($5, failure), sent_to = $6, kept = $7,
       secret = case when $3 = 'failed' then secret end
 where id = $1 and attempts = $2 and outcome is null;

-- name: reset_message
-- Has a message sent again that failed, or that left the queue unsent; no row for any other.
update messages
   set attempts_before = attempts, outcome = null, finished_at = null, failure = null
 where id = $1 and (outcome is null or outcome = 'failed')
returning id;

-- name: messages
-- The newest messages, all or the failed ones.
select m.id, m.kind, m.channel, m.recipient, m.language, m.created_at, m.attempts, m.outcome,
       m.finished_at, m.failure, m.sent_to, m.kept
  from messages m
 where not $1::boolean or m.outcome = 'failed'
 order by m.id desc
 limit $2;

-- name: count_failed
-- Messages that were not delivered, since $1.
select count(*) from messages where outcome = 'failed' and finished_at >= $1;

-- name: forget_messages
-- Deletes what was stored before $1.
delete from messages where created_at < $1;

-- name: contacts
-- The addresses of an account.
select account_id, channel, language, content, verified_at, code_sent_at, code_tries
  from account_contacts
 where account_id = $1
 order by channel;

-- name: save_contact
-- A new address, not verified; no row within a minute after a code was sent.
insert into account_contacts as c (account_id, channel, language, content, code_sent_at)
values ($1, $2, $3, $4, $5)
on conflict (account_id, channel) do update
   set language = excluded.language, content = excluded.content, verified_at = null,
       code_sent_at = excluded.code_sent_at, code_tries = 0
 where c.code_sent_at <= $6
returning account_id;

-- name: try_code
-- Counts a try of the code before it is compared; no row when it is too old or was tried too often.
update account_contacts set code_tries = code_tries + 1
 where account_id = $1 and channel = $2 and verified_at is null
   and code_sent_at > $3 and code_tries < $4
returning content;

-- name: verify_contact
-- The address is the person's.
update account_contacts set verified_at = $3 where account_id = $1 and channel = $2;

-- name: remove_contact
-- No more messages over this channel.
delete from account_contacts where account_id = $1 and channel = $2 returning account_id;

-- name: encrypted_contacts
-- Every address, encrypted.
select account_id, channel, content from account_contacts;

-- name: replace_contact
-- The same address, encrypted with another master key.
update account_contacts set content = $3 where account_id = $1 and channel = $2;

-- name: encrypted_messages
-- What messages keep encrypted until they are sent.
select key, channel, secret from messages where secret is not null;

-- name: replace_secret
-- The same, encrypted with another master key.
update messages set secret = $3 where key = $1 and channel = $2;

-- name: wordings
-- The wordings that differ from the catalogue's, of a selection.
select kind, wording from message_wordings where selection_id = $1;

-- name: save_wording
-- A selection's own wording of a kind.
insert into message_wordings (selection_id, kind, wording, saved_by, saved_at)
values ($1, $2, $3, $4, $5)
on conflict (selection_id, kind) do update
   set wording = excluded.wording, saved_by = excluded.saved_by, saved_at = excluded.saved_at;

-- name: remove_wording
-- The catalogue's wording again.
delete from message_wordings where selection_id = $1 and kind = $2;

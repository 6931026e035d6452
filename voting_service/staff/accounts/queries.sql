-- name: insert_account
-- A new member of the staff without an invitation; the name is taken once.
insert into accounts (name, role, password_hash, wrapped_totp_secret, created_at)
values ($1, $2, $3, $4, $5)
returning id;

-- name: make_account
-- The account of the invitation $1, which is used once.
select make_account($1, $2, $3, $4, $5);

-- name: accounts
-- Everybody, without secrets.
select id, name, role, disabled, created_at from accounts order by id;

-- name: credentials
-- What a sign-in is checked against.
select id, name, role, disabled, created_at, password_hash, wrapped_totp_secret, last_totp_step
  from accounts
 where name = $1;

-- name: disable_account
-- Shuts an account for good; its past approvals stand.
update accounts set disabled = true where name = $1 returning id;

-- name: spend_totp_step
-- Takes a code; no row when it, or a later one, was taken before, or when password or second factor
-- are not those that were checked any more.
update accounts set last_totp_step = $2
 where id = $1 and last_totp_step < $2 and not disabled
   and password_hash = $3 and wrapped_totp_secret = $4
returning id;

-- name: begin_try
-- Counts a try before it is checked, so that tries made at once cannot outrun the delay: after
-- $4 free ones each doubles it, up to $5 seconds. No row while the delay lasts.
insert into sign_in_failures as f (name, source, tries, tried_at, retry_at)
values ($1, $2, 1, $3, $3)
on conflict (name, source) do update
   set tries = f.tries + 1,
       tried_at = $3,
       retry_at = $3 + interval '1 second'
                     * case when f.tries + 1 < $4 then 0
                            else least($5::integer, 2 ^ least(f.tries + 1 - $4, 20)) end
 where f.retry_at <= $3
returning tries;

-- name: retry_at
-- When the next try from there is looked at.
select retry_at from sign_in_failures where name = $1 and source = $2;

-- name: forget_failures
-- After a good sign-in from there; and whatever is older than $3, whoever tried it.
delete from sign_in_failures where (name = $1 and source = $2) or tried_at < $3;

-- name: open_session
-- Somebody signed in with the password that $2 proves.
select open_session($1, $2, $3, $4, $5, $6);

-- name: open_openid_session
-- The user $1 of the single sign-on signed in, and authenticated there at $5.
select open_openid_session($1, $2, $3, $4, $5);

-- name: find_session
-- A session that was not ended, of an account that is not disabled.
select s.token_hash, s.account_id, s.source, s.opened_at, s.last_seen_at, s.confirmed_at,
       a.id, a.name, a.role, a.disabled, a.created_at
  from staff_sessions s
  join accounts a on a.id = s.account_id
 where s.token_hash = $1 and s.ended_at is null and not a.disabled;

-- name: touch_session
-- The session was used.
update staff_sessions set last_seen_at = $2 where token_hash = $1 and last_seen_at < $2;

-- name: confirm_session
-- The person proved again who they are.
update staff_sessions set confirmed_at = $2, last_seen_at = $2
 where token_hash = $1 and ended_at is null
returning account_id;

-- name: session_is_open
-- Whether a session was not ended, and is the account's.
select exists (select from staff_sessions
                where token_hash = $1 and account_id = $2 and ended_at is null);

-- name: end_session
-- Ends one session; no row when it has ended already.
update staff_sessions set ended_at = $2
 where token_hash = $1 and ended_at is null
returning account_id;

-- name: end_all_sessions
-- Ends every session of an account.
update staff_sessions set ended_at = $2 where account_id = $1 and ended_at is null;

-- name: sessions
-- The sessions of an account that were not ended, newest first.
select token_hash, account_id, source, opened_at, last_seen_at, confirmed_at
  from staff_sessions
 where account_id = $1 and ended_at is null
 order by opened_at desc;

-- name: forget_sessions
-- Sessions that nobody has used since $1; who was signed in when stands in the audit log.
delete from staff_sessions where last_seen_at < $1;

-- name: account
-- One account, without secrets.
select id, name, role, disabled, created_at from accounts where id = $1;

-- name: change_password
-- A new password of one's own, by the session's token.
select change_password($1, $2);

-- name: reset_account
-- A new password and second factor by the invitation $1, and no other way in; it enables the account.
select renew_account($1, $2, $3);

-- name: spend_first_step
-- Takes the code of a new second factor; older ones of the old one count no more.
update accounts set last_totp_step = greatest(last_totp_step, $2) where id = $1;

-- name: account_by_subject
-- Who the user of the staff's single sign-on is here.
select id, name, role, disabled, created_at from accounts
 where openid_subject = $1 and not disabled;

-- name: connect_subject
-- Ties one's own account, by the session's token, to a user of the staff's single sign-on.
select connect_openid($1, $2);

-- name: subject_of
-- The user of the staff's single sign-on whose account this is.
select openid_subject from accounts where id = $1;

-- name: insert_challenge
-- Random bytes to be signed; those that were not in time are forgotten.
with forgotten as (delete from passkey_challenges where expires_at <= $3)
insert into passkey_challenges (challenge, account_id, expires_at) values ($1, $2, $4);

-- name: take_challenge
-- Takes a challenge, once; no row when it was made for another account or is too old.
delete from passkey_challenges
 where challenge = $1 and account_id is not distinct from $2 and $3 < expires_at
returning challenge;

-- name: passkeys
-- The passkeys of an account.
select id, credential_id, public_key, sign_count, name, added_at, last_used_at from passkeys
 where account_id = $1
 order by id;

-- name: use_passkey
-- Notes a use; no row when the passkey was removed, or its counter did not grow: two devices sign
-- with a copy of it.
update passkeys set sign_count = $2, last_used_at = $3
 where id = $1 and (sign_count < $2 or (sign_count = 0 and $2 = 0))
returning id;

-- name: add_passkey
-- Adds a passkey to one's own account, by the session's token.
select add_passkey($1, $2, $3, $4, $5, $6);

-- name: remove_passkey
-- Removes a passkey of one's own, by the session's token.
select remove_passkey($1, $2);

-- name: insert_invitation
-- A one-time link; with an account it renews that one.
insert into invitations
       (token_hash, role, note, account_id, invited_by, invited_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: taken_names
-- Which of these names in small letters accounts have.
select lower(name) as name from accounts where lower(name) = any ($1::text[]);

-- name: units
-- The district, department or university of each account that was invited for one.
select account_id, unit from invitations where account_id is not null and unit <> '' order by invited_at;

-- name: invitations
-- Every invitation, newest first, with who made it and for whom or by whom it was used.
select i.token_hash, i.role, i.note, i.unit, i.account_id, a.name as account_name,
       b.name as inviter, i.invited_at, i.expires_at, i.used_at, i.revoked_at,
       c.name as approver, i.approved_by is null and needs_two_people(i.role) as waits
  from invitations i
  join accounts b on b.id = i.invited_by
  left join accounts a on a.id = i.account_id
  left join accounts c on c.id = i.approved_by
 order by i.invited_at desc, i.token_hash
 limit $1;

-- name: invitation
-- One invitation by the hash of its token.
select i.token_hash, i.role, i.note, i.unit, i.account_id, a.name as account_name,
       b.name as inviter, i.invited_at, i.expires_at, i.used_at, i.revoked_at,
       c.name as approver, i.approved_by is null and needs_two_people(i.role) as waits
  from invitations i
  join accounts b on b.id = i.invited_by
  left join accounts a on a.id = i.account_id
  left join accounts c on c.id = i.approved_by
 where i.token_hash = $1;

-- name: use_invitation
-- Takes an invitation; no row when it was used, revoked or has expired, or when who made it was
-- disabled since. The table refuses one that a second person has to approve first.
update invitations i set used_at = $2
  from accounts b
 where i.token_hash = $1 and i.used_at is null and i.revoked_at is null and $2 < i.expires_at
   and b.id = i.invited_by and not b.disabled
returning i.token_hash;

-- name: approve_invitation
-- The second person; no row when it cannot be used any more or was approved already.
update invitations set approved_by = $2, approved_at = $3
 where token_hash = $1 and approved_by is null and used_at is null and revoked_at is null
   and $3 < expires_at
returning role, note;

-- name: fill_invitation
-- Notes which account an invitation made.
update invitations set account_id = $2 where token_hash = $1;

-- name: revoke_invitation
-- Takes an invitation back; no row when it was used or revoked.
update invitations set revoked_at = $2
 where token_hash = $1 and used_at is null and revoked_at is null
returning note;

-- name: wrapped_secrets
-- The encrypted TOTP secret of every account.
select id, name, wrapped_totp_secret from accounts;

-- name: replace_secret
-- The same TOTP secret of an account, encrypted with another master key.
update accounts set wrapped_totp_secret = $2 where id = $1;

-- name: keep_post
-- What a refused form posted; one of each form.
insert into kept_posts (account_id, path, page, content, kept_at) values ($1, $2, $3, $4, $5)
on conflict (account_id, path) do update
   set page = excluded.page, content = excluded.content, kept_at = excluded.kept_at;

-- name: forget_old_posts
-- Everybody's that are older than $2, and of an account all but the newest $3.
delete from kept_posts k
 where k.kept_at < $2
    or (k.account_id = $1 and k.path not in (
            select n.path from kept_posts n where n.account_id = $1
             order by n.kept_at desc limit $3));

-- name: kept_posts
-- What was kept of the forms of a page since $3.
select content from kept_posts
 where account_id = $1 and page = $2 and kept_at >= $3
 order by kept_at;

-- name: move_kept_posts
-- Another page shows what was kept for one.
update kept_posts set page = $3 where account_id = $1 and page = $2;

-- name: forget_post
-- The form was taken, or its person gave up what was kept.
delete from kept_posts where account_id = $1 and path = $2;

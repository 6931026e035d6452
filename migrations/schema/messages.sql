-- Messages to staff: where they may be sent, what was sent, and a selection's own wording.

-- An address at which an account wants messages, given by the person. Nothing is sent there before a
-- code that was sent to it has been typed.
create table account_contacts (
    account_id   integer not null references accounts,
    channel      text not null check (channel in ('email', 'sms', 'wework')),
    language     text not null check (language in ('zh', 'en')),
    content      bytea not null,        -- staff/messages/contacts.py: ContactContent, encrypted
    verified_at  timestamptz,
    code_sent_at timestamptz not null,
    code_tries   smallint not null default 0,
    primary key (account_id, channel)
);

-- A message to one recipient over one channel, stored with what it tells of, in one transaction. It
-- has neither an address nor a text: both are read when it is sent. `key` names what it tells of and
-- to whom, so that nobody is told twice.
create table messages (
    id              bigint generated always as identity primary key,
    key             text not null check (length(key) between 1 and 2000),
    kind            text not null check (kind in (
                        'returned', 'accepted', 'shortlisted', 'result', 'deadline', 'extended',
                        'approval', 'invitation', 'code')),
    channel         text not null check (channel in ('email', 'sms', 'wework')),
    account_id      integer references accounts,  -- null: an invitation, for whom there is none yet
    recipient       text not null,      -- the account's name, or whom an invitation is for
    selection_id    smallint,
    language        text not null check (language in ('zh', 'en')),
    params          jsonb not null,     -- staff/messages/model.py: the values of the placeholders
    path            text not null check (path like '/%'),
    secret          bytea,              -- encrypted, of an invitation until it is sent: address, link
    created_at      timestamptz not null,
    attempts        integer not null default 0,
    attempts_before integer not null default 0,  -- when somebody last had it sent again
    outcome         text check (outcome in ('sent', 'kept', 'failed', 'off')),
    finished_at     timestamptz,
    failure         jsonb,              -- why the newest attempt failed, a Text
    sent_to         text,               -- the address, masked
    kept            jsonb,              -- where messages are kept instead of sent: its text
    constraint messages_once unique (key, channel),
    constraint messages_end_whole check ((outcome is null) = (finished_at is null)),
    constraint messages_recipient_whole check (account_id is not null or kind = 'invitation')
);

create index messages_failed on messages (id) where outcome = 'failed';
create index messages_created_at on messages (created_at);

-- The wording of a kind of message for one selection, instead of the catalogue's. The selection
-- refers to a table that comes later: nomination/recommendations.sql adds the foreign keys.
create table message_wordings (
    selection_id smallint not null,
    kind         text not null,
    wording      jsonb not null,        -- staff/messages/model.py: Wording
    saved_by     integer not null references accounts,
    saved_at     timestamptz not null,
    primary key (selection_id, kind)
);

grant select, delete,
      insert (account_id, channel, language, content, code_sent_at),
      update (language, content, verified_at, code_sent_at, code_tries)
    on account_contacts to voting_staff;
grant select on account_contacts to voting_jobs;
grant select,
      insert (key, kind, channel, account_id, recipient, selection_id, language, params, path,
              secret, created_at)
    on messages to voting_staff, voting_jobs;
grant update (attempts_before, outcome, finished_at, failure) on messages to voting_staff;
grant update (attempts, outcome, finished_at, failure, sent_to, kept, secret), delete
    on messages to voting_jobs;
grant select, insert, update, delete on message_wordings to voting_staff;
grant select on message_wordings to voting_jobs;

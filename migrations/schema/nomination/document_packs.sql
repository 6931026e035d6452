-- Document packs: forms, photos, evidence and stamped pages of many recommendations as one ZIP, made by
-- a background job for somebody of the joint office and kept for a day.

-- The jobs, and how far they are; `attempts` as of nomination.documents (awards.sql).
create table nomination.document_packs (
    id              integer generated always as identity primary key,
    selection_id    smallint not null references nomination.selections,
    recommendations integer[] not null check (cardinality(recommendations) between 1 and 10000),
    language        text not null check (language in ('zh', 'en')),
    requested_by    integer not null references accounts,
    requested_at    timestamptz not null,
    attempts        smallint not null default 0,
    attempts_before smallint not null default 0,
    steps           smallint not null,
    steps_done      smallint not null default 0,
    finished_at     timestamptz,
    failure         jsonb,               -- what to do about it, in both languages
    size_bytes      bigint               -- of the ZIP; null until it is whole, and once it is deleted
);

create index document_packs_selection on nomination.document_packs (selection_id, id);

-- The ZIP in pieces, in order.
create table nomination.document_pack_pieces (
    pack_id integer not null references nomination.document_packs,
    place   integer not null check (place >= 0),
    content bytea not null check (length(content) between 1 and 4194304),  -- encrypted
    primary key (pack_id, place)
);

alter table nomination.document_pack_pieces alter column content set storage external;

grant select on nomination.document_packs, nomination.document_pack_pieces to voting_staff, voting_jobs;
grant insert (selection_id, recommendations, language, requested_by, requested_at, steps),
      update (attempts_before, steps_done, finished_at, failure)
    on nomination.document_packs to voting_staff;
grant update (attempts, steps_done, finished_at, failure, size_bytes)
    on nomination.document_packs to voting_jobs;
grant insert, delete on nomination.document_pack_pieces to voting_jobs;

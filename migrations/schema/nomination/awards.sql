-- The result as the public sees it, and what follows from it: publicity, certificates, albums and
-- other documents.

-- Signed results, each version for ever.
create table award_results (
    contest_id   smallint not null references contests,
    version      smallint not null check (version >= 1),
    document     bytea not null,         -- infrastructure/crypto/signed_document.py
    approval_id  integer not null references approval_requests,
    published_at timestamptz not null,
    visible_from timestamptz,            -- null: from published_at on
    objections_until timestamptz not null,
    primary key (contest_id, version)
);

-- What is published about a winner or nominee. `story` and `quotation` are contests/model.py: Text.
create table award_publicity (
    contest_id smallint not null references contests,
    number     smallint not null,
    story      jsonb not null,
    quotation  jsonb not null,
    video_url  text check (video_url ~ '^https://[^\s]+$' and length(video_url) <= 500),
    revision   integer not null default 1,
    saved_by   integer not null references accounts,
    saved_at   timestamptz not null,
    primary key (contest_id, number)
);

-- Portraits at the resolution of print, as JPEG. The public sees smaller ones (pictures).
create table award_portraits (
    contest_id smallint not null references contests,
    number     smallint not null,
    content    bytea not null check (length(content) between 1 and 33554432),
    saved_by   integer not null references accounts,
    saved_at   timestamptz not null,
    primary key (contest_id, number)
);

alter table award_portraits alter column content set storage external;

-- Issued certificates. Each bears a code that cannot be guessed; the serial number is for people.
create table certificates (
    contest_id smallint not null references contests,
    serial     text not null check (serial ~ '^[0-9]+-[0-9]+$'),
    number     smallint not null,
    award      text not null check (award in ('winner', 'nominee')),
    code       bytea not null constraint certificates_code_key unique check (length(code) = 16),
    issued_at  timestamptz not null,
    primary key (contest_id, serial),
    constraint certificates_once unique (contest_id, number, award)
);

-- Published albums. The public sees the one made from the version of the result it sees.
create table award_albums (
    contest_id smallint not null references contests,
    language   text not null check (language in ('zh', 'en')),
    version    smallint not null check (version >= 1),
    content    bytea not null,
    shown_from timestamptz not null,
    primary key (contest_id, language, version)
);

alter table award_albums alter column content set storage external;

-- Documents that take a while to make: background jobs, and how far they are. `attempts` counts the
-- times a worker began; only the newest one may write.
create table nomination.documents (
    id           integer generated always as identity primary key,
    selection_id smallint not null references nomination.selections,
    kind         text not null check (kind in (
                     'announcement', 'certificates', 'certificate_files',
                     'album_print', 'album_web', 'report')),
    language     text not null check (language in ('zh', 'en')),
    requested_by integer not null references accounts,
    requested_at timestamptz not null,
    attempts     smallint not null default 0,
    attempts_before smallint not null default 0,  -- those before it was last requested
    steps        smallint not null default 1,
    steps_done   smallint not null default 0,
    finished_at  timestamptz,
    failure      jsonb,                  -- what to do about it, in both languages
    content      bytea,
    remark       jsonb,                  -- in both languages; null: none
    result_version smallint              -- of the result it was made from; null: of none
);

alter table nomination.documents alter column content set storage external;

create index documents_selection on nomination.documents (selection_id, id);

-- The texts of the summary report that staff wrote: an object by section
-- (nomination/awards/report_texts.py), each contests/model.py: Text.
create table nomination.report_texts (
    selection_id smallint primary key references nomination.selections,
    sections     jsonb not null,
    revision     integer not null default 1,
    saved_by     integer not null references accounts,
    saved_at     timestamptz not null
);

-- Rule: a result is exactly the document and the moments that two people approved, of the
-- selection's own contest.
create function check_award_result() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (
        select 1
          from approval_requests d join nomination.selections s on s.id = d.selection_id
         where d.id = new.approval_id and d.kind = 'result' and d.approved_by is not null
           and d.subject = new.version::text and s.contest_id = new.contest_id
           and d.payload ->> 'document_sha256' = encode(sha256(new.document), 'hex')
           and (d.payload ->> 'visible_from')::timestamptz is not distinct from new.visible_from
           and (d.payload ->> 'objections_until')::timestamptz = new.objections_until
    ) then
        raise exception 'two people must have approved exactly this result and time'
            using errcode = 'check_violation', constraint = 'award_results_two_people';
    end if;
    return new;
end
$$;

create trigger check_award_result before insert on award_results
    for each row execute function check_award_result();
create trigger award_results_stay before update or delete or truncate on award_results
    for each statement execute function refuse_change();

-- Rules: certificates are for people whom the result names, once nobody may object to it any more and
-- every objection has its answer: an objection that is upheld can take an award away.
create function check_certificate() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (
        select 1
          from nomination.awards a join nomination.selections s on s.id = a.selection_id
         where s.contest_id = new.contest_id and a.number = new.number and a.award = new.award
    ) then
        raise exception 'certificates are for those whom the result names'
            using errcode = 'check_violation', constraint = 'certificates_awarded';
    end if;
    if clock_timestamp() < (select max(r.objections_until) from award_results r
                             where r.contest_id = new.contest_id) then
        raise exception 'certificates are made after the objection period'
            using errcode = 'check_violation', constraint = 'certificates_after_objections';
    end if;
    if exists (
        select 1
          from nomination.objections o
          join nomination.selections s on s.id = o.selection_id
          left join nomination.objection_answers a on a.objection_id = o.id
         where s.contest_id = new.contest_id and o.notice = 'result' and a.objection_id is null
    ) then
        raise exception 'certificates are made once every objection to the result is answered'
            using errcode = 'check_violation', constraint = 'certificates_objections_answered';
    end if;
    return new;
end
$$;

create trigger check_certificate before insert on certificates
    for each row execute function check_certificate();
create trigger certificates_stay before update or delete or truncate on certificates
    for each statement execute function refuse_change();

grant select on award_results, award_publicity, award_portraits, award_albums, certificates
    to voting_public, voting_staff, voting_jobs;
grant insert on award_results, certificates, award_publicity, award_portraits, award_albums
    to voting_staff;
grant update on award_publicity, award_portraits, award_albums to voting_staff;
grant select on nomination.documents, nomination.report_texts to voting_staff, voting_jobs;
grant insert, update on nomination.report_texts to voting_staff;
grant insert (selection_id, kind, language, requested_by, requested_at, steps),
      update (attempts_before, steps_done, finished_at, failure)
    on nomination.documents to voting_staff;
grant update (attempts, steps_done, finished_at, failure, content, remark, result_version)
    on nomination.documents to voting_jobs;

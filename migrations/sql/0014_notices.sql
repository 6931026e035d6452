-- What is announced to everybody about a selection, for a time in which anybody may object. A
-- notice is only ever followed by a newer version. `content` is contests/notices.py: Notice;
-- `keys` are whatever its giver knows the rows by, and never public.
create table notices (
    slug             text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?$'),
    version          smallint not null check (version >= 1),
    content          jsonb not null,
    keys             integer[] not null,
    visible_from     timestamptz not null,
    objections_until timestamptz,
    published_at     timestamptz not null default clock_timestamp(),
    constraint notices_once primary key (slug, version),
    constraint notices_period check (objections_until > visible_from)
);

create trigger notices_stay before update or delete or truncate on notices
    for each statement execute function refuse_change();

grant select, insert (slug, version, content, keys, visible_from, objections_until)
    on notices to voting_application;

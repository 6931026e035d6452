-- What was changed in a contest after it was announced, shown on its public rules page for ever.
create table contest_changes (
    id          integer generated always as identity primary key,
    contest_id  smallint not null references contests,
    changed_at  timestamptz not null,
    setting     text not null,            -- contests/changes.py: Setting
    before      jsonb,                    -- null where nothing was said
    after       jsonb,
    reason      jsonb not null,           -- contests/model.py: Text, for the public
    decision_id integer references decisions
);

create index contest_changes_contest on contest_changes (contest_id, id);

create trigger contest_changes_stay before update or delete or truncate on contest_changes
    for each statement execute function refuse_change();

-- What people vote by is fixed when voting opens, and a closed contest stays closed: see the table
-- in contests/changes.py.
create function keep_contest_rules() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if clock_timestamp() >= old.opens_at and (
        new.rules -> 'ballot' is distinct from old.rules -> 'ballot'
        or new.rules -> 'cut' is distinct from old.rules -> 'cut'
        or new.rules -> 'time_zone' is distinct from old.rules -> 'time_zone'
        or new.rules -> 'list_order' is distinct from old.rules -> 'list_order'
        or new.rules -> 'publish_at' is distinct from old.rules -> 'publish_at'
        or new.rules -> 'release' -> 'mode' is distinct from old.rules -> 'release' -> 'mode'
        or new.rules -> 'release' -> 'daily_at'
           is distinct from old.rules -> 'release' -> 'daily_at'
        or new.opens_at is distinct from old.opens_at
        or new.slug is distinct from old.slug
    ) then
        raise exception 'the rules of the ballot are fixed since voting opened'
            using errcode = 'check_violation', constraint = 'contests_rules_fixed';
    end if;
    if clock_timestamp() >= old.closes_at and (
        new.closes_at is distinct from old.closes_at
        or new.rules -> 'release' is distinct from old.rules -> 'release'
    ) then
        raise exception 'a contest that closed stays closed'
            using errcode = 'check_violation', constraint = 'contests_stay_closed';
    end if;
    return new;
end
$$;

create trigger keep_contest_rules before update on contests
    for each row execute function keep_contest_rules();

grant select on contest_changes to voting_application;
grant insert (contest_id, changed_at, setting, before, after, reason, decision_id)
    on contest_changes to voting_application;

-- What no program changes, nobody changes: names of candidates, keys of platforms.
revoke update on contests, candidates, platforms from voting_application;
grant update (rules, opens_at, closes_at, revision) on contests to voting_application;
grant update (enabled, profile_url, revision) on platforms to voting_application;

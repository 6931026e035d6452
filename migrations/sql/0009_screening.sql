-- What ④ looked at and forensics need of a ballot's sender: keyed hashes and coarse classes, never
-- anything raw. Null where it is unknown, and in ballots that were cast before this.
alter table ballots
    add column address         bytea,      -- antifraud/clients.py: hashes of 8 bytes
    add column device          bytea,
    add column cloud           boolean,
    add column agent_class     smallint,   -- antifraud/user_agents.py
    add column account_created date,
    add column fill_seconds    smallint,   -- from signing in to casting
    add column signals         smallint;   -- antifraud/decision.py: Suspicion

grant insert (address, device, cloud, agent_class, account_created, fill_seconds, signals)
    on ballots to voting_application;

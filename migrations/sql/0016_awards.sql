-- The result and what follows it.
grant usage on schema office to voting_application;

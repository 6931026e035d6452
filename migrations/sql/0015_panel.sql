-- The expert panel.
grant usage on schema office to voting_application;

-- Public notices.
grant usage on schema office to voting_application;

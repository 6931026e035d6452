-- Review, picks, draw and objections.
grant usage on schema office to voting_application;

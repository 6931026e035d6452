-- name: standbys
-- The standbys that commits wait for, and the names of those that are connected. Every role may see
-- these.
select current_setting('synchronous_standby_names') as awaited,
       array(select application_name from pg_stat_replication
              where application_name is not null) as connected;

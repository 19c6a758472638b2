-- What the loader (`edge-fer fleet load`) stores: alerts, summaries and who asked for what. See docs/fleet.md.
-- Can be run again: it changes nothing that is there.
create schema if not exists edge_fer;

-- One row a message. The same `seq` of a topic is the same message, sent again; `content` tells it from one that a device
-- with an empty memory card has numbered anew.
create table if not exists edge_fer.alert_event (
    topic        text not null,
    seq          bigint not null,
    content      text not null,
    node         text not null,
    site         text not null,
    camera       text not null,
    ts           timestamptz not null,
    clock_synced boolean not null,
    replayed     boolean not null,
    event_type   text not null,
    alert_id     text not null,
    rule         text not null,
    severity     text not null,
    since        timestamptz not null,
    value        double precision not null,
    threshold    double precision not null,
    reason       text,
    body         jsonb not null,
    received     timestamptz not null default clock_timestamp(),
    arrival      bigint generated always as identity,
    primary key (node, topic, seq, content)
);

create table if not exists edge_fer.summary (
    topic        text not null,
    seq          bigint not null,
    content      text not null,
    node         text not null,
    site         text not null,
    camera       text not null,
    ts           timestamptz not null,
    clock_synced boolean not null,
    replayed     boolean not null,
    "window"     text not null,
    since        timestamptz not null,
    until        timestamptz not null,
    body         jsonb not null,
    received     timestamptz not null default clock_timestamp(),
    arrival      bigint generated always as identity,
    primary key (node, topic, seq, content)
);

create table if not exists edge_fer.audit (
    topic        text not null,
    seq          bigint not null,
    content      text not null,
    node         text not null,
    site         text not null,
    ts           timestamptz not null,
    clock_synced boolean not null,
    replayed     boolean not null,
    actor        text,
    via          text not null,
    command      text not null,
    outcome      text not null,
    body         jsonb not null,
    received     timestamptz not null default clock_timestamp(),
    arrival      bigint generated always as identity,
    primary key (node, topic, seq, content)
);

-- What came and could not be read: kept, so that nothing is lost unseen.
create table if not exists edge_fer.rejected (
    topic    text not null,
    payload  bytea not null,
    problem  text not null,
    received timestamptz not null default clock_timestamp()
);

create index if not exists alert_event_ts on edge_fer.alert_event (site, ts);
create index if not exists summary_ts on edge_fer.summary (site, ts);
create index if not exists audit_ts on edge_fer.audit (site, ts);

-- When a message was made. A clock that is not synchronised, or is ahead, says nothing: then the arrival counts.
create or replace function edge_fer.made(ts timestamptz, clock_synced boolean, received timestamptz) returns timestamptz
    language sql immutable
    return case when clock_synced then least(ts, received) else received end;

-- Erases what is known of a site (null: of all) before a moment; how many rows that were.
create or replace function edge_fer.erase(of_site text, before timestamptz) returns bigint language plpgsql as $$
declare
    name text;
    erased bigint := 0;
    rows bigint;
begin
    foreach name in array array['alert_event', 'summary', 'audit'] loop
        execute format(
            'delete from edge_fer.%I where edge_fer.made(ts, clock_synced, received) < $1 and ($2 is null or site = $2)', name
        ) using before, of_site;
        get diagnostics rows = row_count;
        erased := erased + rows;
    end loop;
    -- of these, nobody can say of which site they are
    delete from edge_fer.rejected where received < before and of_site is null;
    get diagnostics rows = row_count;
    return erased + rows;
end
$$;

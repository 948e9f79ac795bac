-- What final blocks did, for whoever asks in SQL. Amounts are whole units with 18 decimals, as everywhere outside the ledger; times are those of blocks.
-- A node writes here after the blocks are final, in batches; books.progress says how far. Nothing here is consensus, and nothing is read back.
CREATE SCHEMA books;

-- Up to which block transactions are here, and as of which block accounts, balances, assets and pools are. One row.
CREATE TABLE books.progress (
    one BOOLEAN PRIMARY KEY CHECK (one),
    height BIGINT NOT NULL,
    state_height BIGINT NOT NULL
);

CREATE TABLE books.blocks (
    height BIGINT PRIMARY KEY,
    id TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    proposer TEXT NOT NULL,
    transactions INTEGER NOT NULL
);
CREATE INDEX blocks_at ON books.blocks (at);

CREATE TABLE books.transactions (
    height BIGINT NOT NULL,
    place INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce NUMERIC(20) NOT NULL,
    fee NUMERIC(38, 18) NOT NULL,
    PRIMARY KEY (height, place)
);
CREATE INDEX transactions_id ON books.transactions (id);
CREATE INDEX transactions_sender ON books.transactions (sender, height);

-- One row for each receiver of a transfer.
CREATE TABLE books.transfers (
    height BIGINT NOT NULL,
    place INTEGER NOT NULL,
    leg INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    asset TEXT NOT NULL,
    sender TEXT NOT NULL,
    receiver TEXT NOT NULL,
    amount NUMERIC(38, 18) NOT NULL,
    PRIMARY KEY (height, place, leg)
);
CREATE INDEX transfers_sender ON books.transfers (sender, height);
CREATE INDEX transfers_receiver ON books.transfers (receiver, height);
CREATE INDEX transfers_asset ON books.transfers (asset, at);

CREATE TABLE books.swaps (
    height BIGINT NOT NULL,
    place INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    pool TEXT NOT NULL,
    account TEXT NOT NULL,
    asset_in TEXT NOT NULL,
    amount_in NUMERIC(38, 18) NOT NULL,
    asset_out TEXT NOT NULL,
    amount_out NUMERIC(38, 18) NOT NULL,
    PRIMARY KEY (height, place)
);
CREATE INDEX swaps_pool ON books.swaps (pool, at);
CREATE INDEX swaps_account ON books.swaps (account, height);

-- What was issued (positive), burned or slashed (negative): `kind` says which. What a chain mints for its validators with each block is not here.
CREATE TABLE books.supply_changes (
    height BIGINT NOT NULL,
    place INTEGER NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    kind TEXT NOT NULL,
    asset TEXT NOT NULL,
    account TEXT NOT NULL,
    amount NUMERIC(38, 18) NOT NULL,
    PRIMARY KEY (height, place)
);
CREATE INDEX supply_changes_asset ON books.supply_changes (asset, at);

CREATE TABLE books.accounts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    kyc TEXT NOT NULL,
    nonce NUMERIC(20) NOT NULL
);

CREATE TABLE books.balances (
    account TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount NUMERIC(38, 18) NOT NULL,
    PRIMARY KEY (account, asset)
);
CREATE INDEX balances_asset ON books.balances (asset, amount);

CREATE TABLE books.assets (
    id TEXT PRIMARY KEY,
    issuer TEXT NOT NULL,
    supply NUMERIC(38, 18) NOT NULL,
    max_supply NUMERIC(38, 18) NOT NULL
);

CREATE TABLE books.pools (
    id TEXT PRIMARY KEY,
    asset_a TEXT NOT NULL,
    amount_a NUMERIC(38, 18) NOT NULL,
    asset_b TEXT NOT NULL,
    amount_b NUMERIC(38, 18) NOT NULL,
    shares NUMERIC(38, 18) NOT NULL,
    fee_bps INTEGER NOT NULL
);

-- What transfers, swaps, issuing and burning did to an account, one row for each movement. Fees (books.transactions), liquidity and stake are not here: balances are in books.balances.
CREATE VIEW books.movements AS
    SELECT height, place, at, sender AS account, asset, -amount AS amount, 'transfer' AS kind, receiver AS other FROM books.transfers
    UNION ALL
    SELECT height, place, at, receiver, asset, amount, 'transfer', sender FROM books.transfers
    UNION ALL
    SELECT height, place, at, account, asset_in, -amount_in, 'swap', pool FROM books.swaps
    UNION ALL
    SELECT height, place, at, account, asset_out, amount_out, 'swap', pool FROM books.swaps
    UNION ALL
    SELECT height, place, at, account, asset, amount, kind, account FROM books.supply_changes WHERE kind <> 'slash';

-- Transfers of an asset by day (UTC).
CREATE VIEW books.daily_transfers AS
    SELECT asset, date_trunc('day', at AT TIME ZONE 'UTC') AS day, COUNT(*) AS transfers, SUM(amount) AS volume,
           COUNT(DISTINCT sender) AS senders, COUNT(DISTINCT receiver) AS receivers
    FROM books.transfers GROUP BY 1, 2;

-- Swaps of a pool by hour (UTC): how many, and how much of each asset was given and received.
CREATE VIEW books.hourly_swaps AS
    SELECT pool, asset_in, asset_out, date_trunc('hour', at AT TIME ZONE 'UTC') AS hour, COUNT(*) AS swaps,
           SUM(amount_in) AS amount_in, SUM(amount_out) AS amount_out, SUM(amount_out) / NULLIF(SUM(amount_in), 0) AS mean_price
    FROM books.swaps GROUP BY 1, 2, 3, 4;

-- Who has how much of an asset, the largest first.
CREATE VIEW books.holders AS
    SELECT asset, account, amount, RANK() OVER (PARTITION BY asset ORDER BY amount DESC) AS place,
           amount / NULLIF(SUM(amount) OVER (PARTITION BY asset), 0) AS share
    FROM books.balances;

-- Where the supply of an asset is; the rest of the native one is bound as stake.
CREATE VIEW books.supply AS
    SELECT assets.id AS asset, assets.supply, assets.max_supply,
           (SELECT COALESCE(SUM(amount), 0) FROM books.balances WHERE asset = assets.id) AS in_accounts,
           (SELECT COALESCE(SUM(CASE WHEN asset_a = assets.id THEN amount_a ELSE 0 END + CASE WHEN asset_b = assets.id THEN amount_b ELSE 0 END), 0)
            FROM books.pools) AS in_pools
    FROM books.assets;

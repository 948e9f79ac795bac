-- The chain of a node. Bytes are as the embedded store has them, with a check of 16 bytes at their end: see src/rows.rs.
-- Which chain it is, and which of its blocks are here. One row.
CREATE TABLE qenex.chain (
    one BOOLEAN PRIMARY KEY CHECK (one),
    genesis BYTEA NOT NULL,
    first_height BIGINT,
    last_height BIGINT
);

-- Who writes: each process that opens the store takes the next generation and a token of its own, and nothing is written under another one. One row.
CREATE TABLE qenex.writer (
    one BOOLEAN PRIMARY KEY CHECK (one),
    generation BIGINT NOT NULL,
    token BYTEA NOT NULL
);

-- The final blocks.
CREATE TABLE qenex.blocks (
    height BIGINT PRIMARY KEY,
    bytes BYTEA NOT NULL
);

-- The newest state: as of which block, and how its records are cut into buckets. One row.
CREATE TABLE qenex.state (
    one BOOLEAN PRIMARY KEY CHECK (one),
    height BIGINT NOT NULL,
    root BYTEA NOT NULL,
    bits SMALLINT NOT NULL,
    buckets BIGINT NOT NULL,
    receipts_from BIGINT NOT NULL
);

-- The records of the newest state whose keys share their first bits.
CREATE TABLE qenex.buckets (
    bits SMALLINT NOT NULL,
    prefix BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (bits, prefix)
);

-- What blocks did.
CREATE TABLE qenex.receipts (
    height BIGINT PRIMARY KEY,
    bytes BYTEA NOT NULL
);

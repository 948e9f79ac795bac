-- The database of each validator, at the server's first start.
CREATE DATABASE validator_1;
CREATE DATABASE validator_2;
CREATE DATABASE validator_3;
CREATE DATABASE validator_4;

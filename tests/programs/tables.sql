-- SPDX-License-Identifier: MIT
-- Tables with indexes, filled, joined, changed and dropped; the result is printed.
PRAGMA cache_size = -8000;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, town TEXT, born INTEGER);
CREATE TABLE payment (id INTEGER PRIMARY KEY, payer INTEGER, amount INTEGER, note TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO person
SELECT i, printf('name %x', i * 7919 % 65537), 'town ' || (i * 31 % 211), 1900 + i % 120 FROM n;
CREATE INDEX person_name ON person (name);
CREATE INDEX person_town ON person (town, born);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO payment
SELECT i, 1 + i * 104729 % 30000, i * 271 % 9973, substr('for bread, rent, wine, books', 1, i % 29)
FROM n;
CREATE INDEX payment_payer ON payment (payer);
SELECT town, count(*), sum(amount), max(note) FROM person JOIN payment ON payer = person.id
GROUP BY town ORDER BY 3 DESC LIMIT 20;
SELECT born, group_concat(name, ',') FROM (SELECT born, name FROM person ORDER BY name LIMIT 3000)
GROUP BY born ORDER BY born LIMIT 5;
UPDATE person SET name = upper(name) || hex(town) WHERE id % 3 = 0;
DELETE FROM payment WHERE amount % 5 = 0;
SELECT count(*), sum(length(name)) FROM person;
SELECT p.name, count(*) FROM person p JOIN person q ON p.town = q.town AND p.born = q.born
GROUP BY p.name ORDER BY 2 DESC, 1 LIMIT 10;
CREATE TABLE words (word TEXT, weight INTEGER);
INSERT INTO words SELECT DISTINCT substr(name, i, 4), i FROM person,
(SELECT 1 AS i UNION SELECT 2 UNION SELECT 3 UNION SELECT 5);
SELECT weight, count(*), min(word), max(word) FROM words GROUP BY weight;
SELECT json_group_array(json_object('town', town, 'people', people))
FROM (SELECT town, count(*) AS people FROM person GROUP BY town ORDER BY town LIMIT 50);
DROP TABLE payment;
VACUUM;
PRAGMA integrity_check;

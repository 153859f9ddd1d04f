CREATE TABLE parts (id INT, part_no VARCHAR(20), name VARCHAR(50), price INT);
INSERT INTO parts (id, part_no, name, price) VALUES (1, '03-1234-5678', '六角ボルト', 12), (2, '06-2345-6789', '平座金', 3);
INSERT INTO parts (id, part_no, name, price) VALUES (3, '045-345-6789', 'Oリング', 8), (4, '052-456-7890', '軸受', 410);

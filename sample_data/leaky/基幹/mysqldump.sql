-- MySQL dump 10.13  Distrib 8.0.36
--
-- Host: localhost    Database: crm
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `kaiin`;
CREATE TABLE `kaiin` (
  `id` int NOT NULL,
  `shimei` varchar(255),
  `tel` varchar(255),
  `email` varchar(255),
  `jusho` varchar(255)
) ENGINE=InnoDB;
INSERT INTO `kaiin` VALUES (1,'佐々木 健太','090-0000-0101','kenta.sasaki@example.com','東京都港区芝公園4-9-12'),(2,'高橋 美咲','080-0000-0102','misaki.takahashi@example.com','大阪府大阪市北区梅田1-99-3'),(3,'小林 由美','090-0000-0103','y.kobayashi@example.co.jp','愛知県名古屋市中区栄3-98-7'),(4,'渡辺 真理','070-0000-0104','watanabe-m@example.jp','神奈川県横浜市西区みなとみらい2-97-5'),(5,'伊藤 大輔','090-0000-0105','ito.daisuke@example.net','京都府京都市中京区上本能寺前町488'),(6,'中村 直樹','080-0000-0106','nakamura_n@example.org','福岡県福岡市中央区天神1-96-8'),(7,'斎藤 千夏','090-0000-0107','chinatsu.saito@example.com','宮城県仙台市青葉区一番町3-95-1'),(8,'山口 亜希子','080-0000-0108','yamaguchi.akiko@example.co.jp','北海道札幌市中央区大通西4-94-2'),(9,'松本 翔太','090-0000-0109','shota@example.jp','広島県広島市中区基町10-93'),(10,'井上 さくら','070-0000-0110','sakura-inoue@example.net','兵庫県神戸市中央区加納町6-92-4'),(11,'木村 隆','090-0000-0111','kimura.t@example.org','埼玉県さいたま市浦和区高砂3-91-6'),(12,'清水 恵子','080-0000-0112','keiko.shimizu@example.com','千葉県千葉市中央区中央2-90-1');

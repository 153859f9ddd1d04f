REM INSERTING into SALES.KAIIN
SET DEFINE OFF;
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (1,'²X–Ø Œ’‘¾','090-0000-0101','kenta.sasaki@example.com','“Œ‹“s`‹æÅŒö‰€4-9-12');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (2,'‚‹´ ”üç','080-0000-0102','misaki.takahashi@example.com','‘åã•{‘åãs–k‹æ”~“c1-99-3');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (3,'¬—Ñ —R”ü','090-0000-0103','y.kobayashi@example.co.jp','ˆ¤’mŒ§–¼ŒÃ‰®s’†‹æ‰h3-98-7');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (4,'“n•Ó ^—','070-0000-0104','watanabe-m@example.jp','_“ŞìŒ§‰¡•ls¼‹æ‚İ‚È‚Æ‚İ‚ç‚¢2-97-5');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (5,'ˆÉ“¡ ‘å•ã','090-0000-0105','ito.daisuke@example.net','‹“s•{‹“ss’†‹‹æã–{”\›‘O’¬488');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (6,'’†‘º ’¼÷','080-0000-0106','nakamura_n@example.org','•Ÿ‰ªŒ§•Ÿ‰ªs’†‰›‹æ“V_1-96-8');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (7,'Ö“¡ ç‰Ä','090-0000-0107','chinatsu.saito@example.com','‹{éŒ§å‘äsÂ—t‹æˆê”Ô’¬3-95-1');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (8,'RŒû ˆŸŠóq','080-0000-0108','yamaguchi.akiko@example.co.jp','–kŠC“¹D–ys’†‰›‹æ‘å’Ê¼4-94-2');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (9,'¼–{ ãÄ‘¾','090-0000-0109','shota@example.jp','L“‡Œ§L“‡s’†‹æŠî’¬10-93');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (10,'ˆäã ‚³‚­‚ç','070-0000-0110','sakura-inoue@example.net','•ºŒÉŒ§_ŒËs’†‰›‹æ‰Á”[’¬6-92-4');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (11,'–Ø‘º —²','090-0000-0111','kimura.t@example.org','é‹ÊŒ§‚³‚¢‚½‚Üs‰Y˜a‹æ‚»3-91-6');
Insert into SALES.KAIIN ("ID","SHIMEI","TEL","EMAIL","JUSHO") values (12,'´… Œbq','080-0000-0112','keiko.shimizu@example.com','ç—tŒ§ç—ts’†‰›‹æ’†‰›2-90-1');
COMMIT;

--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';

CREATE TABLE public.clients (
    id integer NOT NULL,
    full_name text,
    phone text,
    email text
);

COPY public.clients (id, full_name, phone, email) FROM stdin;
1	Emily Hartley	+44 20 7946 0111	emily.hartley@example.com
2	Daniel Whitfield	+44 20 7946 0112	d.whitfield@example.org
3	Olivia Bexley	+44 161 496 0113	olivia.bexley@example.net
4	Thomas Ashdown	+44 113 496 0114	tom.ashdown@example.com
5	Charlotte Pemberton	+1 212-555-0115	charlotte.p@example.org
6	Michael Langford	+1 415-555-0116	m.langford@example.net
7	Sophie Underwood	+44 20 7946 0117	sophie.underwood@example.com
8	George Fairbanks	+44 117 496 0118	g.fairbanks@example.co.uk
\.


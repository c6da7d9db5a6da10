"""Files of reference rates as the ECB writes them, with made-up numbers."""

from __future__ import annotations

from datetime import UTC, datetime

DAILY = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject>
<Cube><Cube time='2026-11-27'>
<Cube currency='USD' rate='1.0850'/><Cube currency='JPY' rate='162.75'/>
<Cube currency='GBP' rate='0.8680'/><Cube currency='XYZ' rate='3'/>
</Cube></Cube></gesmes:Envelope>"""
HISTORY = b"""<Envelope><Cube>
<Cube time="2026-11-26"><Cube currency="USD" rate="1.0800"/></Cube>
<Cube time="2026-11-27"><Cube currency="USD" rate="1.0850"/></Cube>
</Cube></Envelope>"""
DAILY_CSV = b"Date, USD, JPY, GBP, XYZ, \n27 November 2026, 1.0850, 162.75, 0.8680, 3, \n"
HISTORY_CSV = b"Date,USD,JPY,\n2026-11-27,1.0850,N/A,\n2026-11-26,1.0800,160.00,\n"
PUBLISHED = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)

"""How a record on an agency's topic is read: with the schema of POST /referrals."""

from services.intake.api.schemas import ReferBody
from services.intake.domain.referral import Refer
from shared.edge.records import Records

RECORDS: Records[Refer] = Records(schema=ReferBody(), of="the referral", reference="reference")
read = RECORDS.read

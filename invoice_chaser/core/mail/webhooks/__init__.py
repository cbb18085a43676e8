"""Reports of mail services: who may send them, and what they say. One module per
service."""

from . import mailgun, postmark, sendgrid, ses
from .base import Malformed, Refused, Report, Service, WebhookRequest

SERVICES: dict[str, Service] = {
    service.name: service
    for service in (ses.SES, sendgrid.SENDGRID, mailgun.MAILGUN, postmark.POSTMARK)
}

__all__ = ["SERVICES", "Malformed", "Refused", "Report", "Service", "WebhookRequest"]

"""The result and what follows it: announcement, publicity, certificates, printed papers."""

"""Messages to people who work with the service: e-mail, text messages, WeChat Work."""

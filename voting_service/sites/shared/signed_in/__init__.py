"""What pages behind the sign-in share: access, CSRF, forms, uploads, rendering, errors."""

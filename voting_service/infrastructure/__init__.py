"""What any service needs: stores, keys, files, languages, logs. Knows no vote."""

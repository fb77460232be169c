"""From the typed IR to launches and teams. `lower` holds the walk; rows and streams have a file each."""

"""Object stores that keep `kernel.storage.ObjectStore`: S3, and a folder."""

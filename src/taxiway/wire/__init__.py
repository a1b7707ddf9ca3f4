"""What passes between programs: records of the core as documents, and documents as records again."""

"""The pages of officers who recommend, and of late exceptions."""

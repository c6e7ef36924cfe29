"""Starting a connector for another CRM: a package that installs, with the contract suite as its tests."""
